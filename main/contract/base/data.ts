// The type of data that a schema describes, as it is handed around: nobody changes it.
import type * as v from 'valibot';

/** The same data, readonly at every depth. Lets a handler return what is readonly, too. */
export type Immutable<T> = T extends ArrayBufferView
  ? T
  : T extends readonly unknown[]
    ? { readonly [Index in keyof T]: Immutable<T[Index]> }
    : T extends object
      ? { readonly [Key in keyof T]: Immutable<T[Key]> }
      : T;

/** What a schema gives. */
export type DataOf<Schema extends v.GenericSchema> = Immutable<v.InferOutput<Schema>>;
