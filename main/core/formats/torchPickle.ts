// The pickles that torch.save writes, read by a machine that can do nothing but build plain data: numbers, text, lists, tuples,
// dicts, and descriptions of tensors. A pickle is a program that calls Python functions by their names; here a name is looked
// up in GLOBALS, and every other one is refused before anything is done with it. Nothing is ever imported or called.
//
// Invariant: the work is bounded by the bytes given. No length in them is believed before it is compared with what is there.
import { AppError } from '../../contract/base/errors.ts';
import type { Dtype } from './dtype.ts';

const MAX_STEPS = 4_000_000;
const MAX_DIMENSIONS = 16;
const LONGEST_NUMBER = 32;

/** A tensor as the pickle describes it; its elements are elsewhere, in the storage called `key`. */
export interface PickledTensor {
  readonly kind: 'tensor';
  readonly key: string;
  readonly dtype: Dtype;
  /** Elements of the storage, by the storage's own type. */
  readonly storageBytes: number;
  readonly offset: number;
  readonly shape: readonly number[];
  readonly strides: readonly number[];
}

interface Storage {
  readonly kind: 'storage';
  readonly key: string;
  /** Null: bytes, whose type the tensor says. */
  readonly dtype: Dtype | null;
  readonly bytes: number;
}

interface Tuple {
  readonly kind: 'tuple';
  readonly items: readonly Pickled[];
}

interface Global {
  readonly kind: 'global';
  readonly name: string;
}

export type Pickled =
  | null
  | boolean
  | number
  | bigint
  | string
  | Uint8Array
  | Pickled[]
  | Map<Pickled, Pickled>
  | Tuple
  | Global
  | Storage
  | PickledTensor;

const STORAGE_TYPES: ReadonlyMap<string, Dtype | null> = new Map<string, Dtype | null>([
  ['torch.DoubleStorage', 'F64'],
  ['torch.FloatStorage', 'F32'],
  ['torch.HalfStorage', 'F16'],
  ['torch.BFloat16Storage', 'BF16'],
  ['torch.LongStorage', 'I64'],
  ['torch.IntStorage', 'I32'],
  ['torch.ShortStorage', 'I16'],
  ['torch.CharStorage', 'I8'],
  ['torch.ByteStorage', 'U8'],
  ['torch.BoolStorage', 'BOOL'],
  ['torch.UntypedStorage', null],
  ['torch.storage.UntypedStorage', null],
]);

const DTYPES: ReadonlyMap<string, Dtype> = new Map([
  ['torch.float64', 'F64'],
  ['torch.float32', 'F32'],
  ['torch.float16', 'F16'],
  ['torch.bfloat16', 'BF16'],
  ['torch.int64', 'I64'],
  ['torch.int32', 'I32'],
  ['torch.int16', 'I16'],
  ['torch.int8', 'I8'],
  ['torch.uint8', 'U8'],
  ['torch.uint16', 'U16'],
  ['torch.uint32', 'U32'],
  ['torch.uint64', 'U64'],
  ['torch.bool', 'BOOL'],
  ['torch.float8_e4m3fn', 'F8_E4M3'],
  ['torch.float8_e5m2', 'F8_E5M2'],
]);

const BYTES: Readonly<Partial<Record<Dtype, number>>> = { F64: 8, I64: 8, F32: 4, I32: 4, F16: 2, BF16: 2, I16: 2 };

type Build = (args: readonly Pickled[], wrong: (reason: string) => AppError) => Pickled;

/** What a call of a known name builds. */
const GLOBALS: ReadonlyMap<string, Build> = new Map<string, Build>([
  ['torch._utils._rebuild_tensor', ([storage, ...rest], wrong) => rebuilt(storage, rest, undefined, wrong)],
  ['torch._utils._rebuild_tensor_v2', ([storage, ...rest], wrong) => rebuilt(storage, rest, undefined, wrong)],
  [
    'torch._utils._rebuild_tensor_v3',
    ([storage, offset, size, stride, , , dtype], wrong) => rebuilt(storage, [offset, size, stride], dtype, wrong),
  ],
  ['torch._utils._rebuild_parameter', ([data], wrong) => tensorOf(data, wrong)],
  ['torch._utils._rebuild_parameter_with_state', ([data], wrong) => tensorOf(data, wrong)],
  ['collections.OrderedDict', ([pairs], wrong) => dictOf(pairs, wrong)],
  ['torch.Size', ([sizes], wrong) => ({ kind: 'tuple', items: itemsOf(sizes, wrong) })],
  ['torch.device', (args, wrong) => (args.every(isPlain) ? args.join(':') : refuse(wrong('a device is not plain')))],
]);

const ALIASES: Readonly<Record<string, string>> = { 'torch.storage._UntypedStorage': 'torch.storage.UntypedStorage' };

function refuse(error: AppError): never {
  throw error;
}

function isPlain(value: Pickled): value is string | number {
  return typeof value === 'string' || typeof value === 'number';
}

function isKind<Kind extends 'tuple' | 'global' | 'storage' | 'tensor'>(
  value: Pickled | undefined,
  kind: Kind,
): value is Extract<Pickled, { readonly kind: Kind }> {
  return typeof value === 'object' && value !== null && 'kind' in value && value.kind === kind;
}

function itemsOf(value: Pickled | undefined, wrong: (reason: string) => AppError): readonly Pickled[] {
  if (isKind(value, 'tuple')) return value.items;
  if (Array.isArray(value)) return value;
  throw wrong('a list is something else');
}

function dictOf(pairs: Pickled | undefined, wrong: (reason: string) => AppError): Map<Pickled, Pickled> {
  const dict = new Map<Pickled, Pickled>();
  if (pairs === undefined) return dict;
  for (const pair of itemsOf(pairs, wrong)) {
    const [key, value] = itemsOf(pair, wrong);
    if (key === undefined || value === undefined) throw wrong('a dict is made of something else than pairs');
    dict.set(key, value);
  }
  return dict;
}

function tensorOf(data: Pickled | undefined, wrong: (reason: string) => AppError): PickledTensor {
  if (isKind(data, 'tensor')) return data;
  throw wrong('a parameter is not a tensor');
}

function rebuilt(
  storage: Pickled | undefined,
  [offset, size, stride]: readonly (Pickled | undefined)[],
  type: Pickled | undefined,
  wrong: (reason: string) => AppError,
): PickledTensor {
  if (!isKind(storage, 'storage')) throw wrong('a tensor has no storage');
  const whole = (value: Pickled | undefined): number => {
    if (typeof value === 'number' && Number.isSafeInteger(value) && value >= 0) return value;
    throw wrong('a tensor has a size, stride or offset that is not a whole number ≥ 0');
  };
  const shape = itemsOf(size, wrong).map(whole);
  const strides = itemsOf(stride, wrong).map(whole);
  if (shape.length !== strides.length || shape.length > MAX_DIMENSIONS)
    throw wrong('a tensor has sizes without strides');
  const named = isKind(type, 'global') ? (DTYPES.get(type.name) ?? null) : null;
  const dtype = type === undefined ? storage.dtype : named;
  if (dtype === null) throw wrong('a tensor has an unknown type');
  return {
    kind: 'tensor',
    key: storage.key,
    dtype,
    storageBytes: storage.bytes,
    offset: whole(offset),
    shape,
    strides,
  };
}

/** Reads pickles that stand one behind the other. */
export class PickleReader {
  readonly #bytes: Uint8Array;
  readonly #view: DataView;
  readonly #name: string;
  #at = 0;
  #steps = 0;

  /** @param name what the bytes are called in messages */
  constructor(name: string, bytes: Uint8Array) {
    this.#name = name;
    this.#bytes = bytes;
    this.#view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  }

  /** Where the next pickle begins. */
  get position(): number {
    return this.#at;
  }

  /** @throws AppError `invalid-file`; `unsupported` that names what it will not build. */
  next(): Pickled {
    const stack: Pickled[] = [];
    const marks: number[] = [];
    const memo = new Map<number, Pickled>();
    const wrong = (reason: string) => this.#invalid(reason);
    const pop = (): Pickled => {
      if (stack.length <= (marks.at(-1) ?? 0)) throw wrong('its pickle takes more than there is');
      return stack.pop() as Pickled;
    };
    const top = (): Pickled => {
      const value = pop();
      stack.push(value);
      return value;
    };
    const sinceMark = (): Pickled[] => {
      const mark = marks.pop();
      if (mark === undefined) throw wrong('its pickle has no mark where it needs one');
      return stack.splice(mark);
    };
    const remember = (key: number) => void memo.set(key, top());
    const recall = (key: number): Pickled => {
      const known = memo.get(key);
      if (known === undefined) throw wrong('its pickle recalls what it never had');
      return known;
    };
    const append = (values: readonly Pickled[]) => {
      const list = top();
      if (!Array.isArray(list)) throw wrong('its pickle appends to something that is not a list');
      for (const value of values) list.push(value);
    };
    const setItems = (items: readonly Pickled[]) => {
      const dict = top();
      if (!(dict instanceof Map) || items.length % 2 !== 0) throw wrong('its pickle sets items of something else');
      for (let i = 0; i < items.length; i += 2) dict.set(items[i] as Pickled, items[i + 1] as Pickled);
    };
    const dictFrom = (items: readonly Pickled[]) => {
      stack.push(new Map());
      setItems(items);
    };
    const tuple = (items: readonly Pickled[]) => void stack.push({ kind: 'tuple', items });
    const take = (count: number): Pickled[] => Array.from({ length: count }, pop).reverse();
    const call = (callee: Pickled, args: Pickled) => {
      if (!isKind(callee, 'global')) throw wrong('its pickle calls something that has no name');
      const build = GLOBALS.get(callee.name);
      if (!build) throw this.#refused(callee.name);
      stack.push(build(itemsOf(args, wrong), wrong));
    };

    for (;;) {
      if (++this.#steps > MAX_STEPS) throw wrong('its pickle is too long');
      const opcode = this.#byte();
      switch (opcode) {
        case 0x80: // PROTO
          if (this.#byte() > 5) throw wrong('its pickle is of an unknown protocol');
          break;
        case 0x95: // FRAME
          this.#take(8);
          break;
        case 0x2e: {
          // STOP
          const value = pop();
          if (stack.length > 0 || marks.length > 0) throw wrong('its pickle ends in the middle');
          return value;
        }
        case 0x28: // MARK
          marks.push(stack.length);
          break;
        case 0x30: // POP
          pop();
          break;
        case 0x31: // POP_MARK
          sinceMark();
          break;
        case 0x32: // DUP
          stack.push(top());
          break;
        case 0x4e: // NONE
          stack.push(null);
          break;
        case 0x88: // NEWTRUE
          stack.push(true);
          break;
        case 0x89: // NEWFALSE
          stack.push(false);
          break;
        case 0x49: // INT
          stack.push(this.#integerLine());
          break;
        case 0x4c: // LONG
          stack.push(this.#longLine());
          break;
        case 0x4a: // BININT
          stack.push(this.#view.getInt32(this.#take(4), true));
          break;
        case 0x4b: // BININT1
          stack.push(this.#byte());
          break;
        case 0x4d: // BININT2
          stack.push(this.#view.getUint16(this.#take(2), true));
          break;
        case 0x8a: // LONG1
          stack.push(this.#long(this.#byte()));
          break;
        case 0x8b: // LONG4
          stack.push(this.#long(this.#length(4)));
          break;
        case 0x46: // FLOAT
          stack.push(Number(this.#line()));
          break;
        case 0x47: // BINFLOAT
          stack.push(this.#view.getFloat64(this.#take(8), false));
          break;
        case 0x54: // BINSTRING
        case 0x58: // BINUNICODE
          stack.push(this.#text(this.#length(4)));
          break;
        case 0x55: // SHORT_BINSTRING
        case 0x8c: // SHORT_BINUNICODE
          stack.push(this.#text(this.#byte()));
          break;
        case 0x8d: // BINUNICODE8
          stack.push(this.#text(this.#length(8)));
          break;
        case 0x56: // UNICODE
          stack.push(this.#line());
          break;
        case 0x42: // BINBYTES
          stack.push(this.#data(this.#length(4)));
          break;
        case 0x43: // SHORT_BINBYTES
          stack.push(this.#data(this.#byte()));
          break;
        case 0x8e: // BINBYTES8
          stack.push(this.#data(this.#length(8)));
          break;
        case 0x5d: // EMPTY_LIST
          stack.push([]);
          break;
        case 0x61: // APPEND
          append(take(1));
          break;
        case 0x65: // APPENDS
          append(sinceMark());
          break;
        case 0x6c: // LIST
          stack.push(sinceMark());
          break;
        case 0x29: // EMPTY_TUPLE
          tuple([]);
          break;
        case 0x74: // TUPLE
          tuple(sinceMark());
          break;
        case 0x85: // TUPLE1
        case 0x86: // TUPLE2
        case 0x87: // TUPLE3
          tuple(take(opcode - 0x84));
          break;
        case 0x7d: // EMPTY_DICT
          stack.push(new Map());
          break;
        case 0x64: // DICT
          dictFrom(sinceMark());
          break;
        case 0x73: // SETITEM
          setItems(take(2));
          break;
        case 0x75: // SETITEMS
          setItems(sinceMark());
          break;
        case 0x67: // GET
          stack.push(recall(Number(this.#line())));
          break;
        case 0x68: // BINGET
          stack.push(recall(this.#byte()));
          break;
        case 0x6a: // LONG_BINGET
          stack.push(recall(this.#length(4)));
          break;
        case 0x70: // PUT
          remember(Number(this.#line()));
          break;
        case 0x71: // BINPUT
          remember(this.#byte());
          break;
        case 0x72: // LONG_BINPUT
          remember(this.#view.getUint32(this.#take(4), true));
          break;
        case 0x94: // MEMOIZE
          remember(memo.size);
          break;
        case 0x63: // GLOBAL
          stack.push(this.#global(this.#line(), this.#line()));
          break;
        case 0x93: {
          // STACK_GLOBAL
          const [module, name] = take(2);
          if (typeof module !== 'string' || typeof name !== 'string')
            throw wrong('its pickle names something by no name');
          stack.push(this.#global(module, name));
          break;
        }
        case 0x52: // REDUCE
        case 0x81: {
          // NEWOBJ
          const [callee, args] = take(2);
          call(callee ?? null, args ?? null);
          break;
        }
        case 0x62: // BUILD: the attributes of an OrderedDict or a parameter say nothing about tensors.
          pop();
          if (!(top() instanceof Map) && !isKind(top(), 'tensor'))
            throw wrong('its pickle gives attributes to plain data');
          break;
        case 0x51: // BINPERSID
          stack.push(this.#storage(pop()));
          break;
        default:
          throw new AppError(
            'unsupported',
            `${this.#name}: its pickle has the instruction 0x${opcode.toString(16).padStart(2, '0')}, which builds ` +
              `objects of Python. Only tensors and plain data are read.`,
            { details: { path: this.#name } },
          );
      }
    }
  }

  #global(module: string, name: string): Global {
    const asked = `${module}.${name}`;
    const full = ALIASES[asked] ?? asked;
    if (!GLOBALS.has(full) && !STORAGE_TYPES.has(full) && !DTYPES.has(full)) throw this.#refused(asked);
    return { kind: 'global', name: full };
  }

  /** ('storage', type, key, location, elements, …), as torch.save names them. */
  #storage(id: Pickled): Storage {
    const [kind, type, key, , elements] = isKind(id, 'tuple') ? id.items : [];
    const isStorage = kind === 'storage' && isKind(type, 'global') && STORAGE_TYPES.has(type.name);
    if (!isStorage || typeof key !== 'string' || typeof elements !== 'number' || elements < 0) {
      throw this.#invalid('its pickle refers to something that is not a storage of numbers');
    }
    const dtype = STORAGE_TYPES.get(type.name) ?? null;
    const bytes = elements * (dtype === null ? 1 : (BYTES[dtype] ?? 1));
    if (!Number.isSafeInteger(bytes)) throw this.#invalid('a storage is larger than any file');
    return { kind: 'storage', key, dtype, bytes };
  }

  #refused(name: string): AppError {
    const shown = name.replace(/[^\w.]/gu, '?').slice(0, 100);
    return new AppError(
      'unsupported',
      `${this.#name}: it asks for the Python object ${shown}, which is not read: a file of weights may hold tensors and ` +
        `plain data only. Save its state_dict: torch.save(model.state_dict(), "weights.pt").`,
      { details: { path: this.#name, global: shown } },
    );
  }

  #invalid(reason: string): AppError {
    return new AppError('invalid-file', `${this.#name}: ${reason}.`, { details: { path: this.#name } });
  }

  /** @returns where the taken bytes begin. */
  #take(count: number): number {
    const at = this.#at;
    if (count > this.#bytes.length - at) throw this.#invalid('its pickle is cut off, or has a length beyond its end');
    this.#at += count;
    return at;
  }

  #byte(): number {
    return this.#view.getUint8(this.#take(1));
  }

  #length(bytes: 4 | 8): number {
    const at = this.#take(bytes);
    return bytes === 4 ? this.#view.getUint32(at, true) : Number(this.#view.getBigUint64(at, true));
  }

  #data(length: number): Uint8Array {
    const at = this.#take(length);
    return this.#bytes.slice(at, at + length);
  }

  #text(length: number): string {
    const at = this.#take(length);
    return Buffer.from(this.#bytes.buffer, this.#bytes.byteOffset + at, length).toString('utf8');
  }

  #line(): string {
    const end = this.#bytes.indexOf(0x0a, this.#at);
    if (end < 0) throw this.#invalid('its pickle is cut off');
    const text = this.#text(end - this.#at);
    this.#take(1);
    return text;
  }

  #integerLine(): number | boolean {
    const line = this.#line();
    if (line === '01' || line === '00') return line === '01';
    if (!/^-?\d{1,15}$/u.test(line)) throw this.#invalid('its pickle has a number that is none');
    return Number(line);
  }

  #longLine(): number | bigint {
    const line = this.#line().replace(/L$/u, '');
    if (line.length > 2 * LONGEST_NUMBER || !/^-?\d+$/u.test(line))
      throw this.#invalid('its pickle has a number that is none');
    return narrow(BigInt(line));
  }

  /** Two's complement, little-endian. */
  #long(length: number): number | bigint {
    if (length > LONGEST_NUMBER) throw this.#invalid('its pickle has a number that is too long');
    const at = this.#take(length);
    let value = 0n;
    for (let i = length - 1; i >= 0; i--) value = (value << 8n) | BigInt(this.#bytes[at + i] as number);
    return narrow(length === 0 ? 0n : BigInt.asIntN(8 * length, value));
  }
}

function narrow(value: bigint): number | bigint {
  const number = Number(value);
  return Number.isSafeInteger(number) ? number : value;
}
