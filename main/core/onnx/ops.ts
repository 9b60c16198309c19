// The operators of our graphs as functions of values: `add(x, mul(a, b))`. Each checks its operands and computes the type
// and shape of its result; a plain number beside a value becomes a constant of the value's type.
// Operator semantics: the ONNX specification, opset 21; contrib operators (com.microsoft) are marked.
export * from './ops/arithmetic.ts';
export * from './ops/cast.ts';
export * from './ops/control.ts';
export { fixedSize, size } from './ops/emit.ts';
export * from './ops/linear.ts';
export * from './ops/logic.ts';
export * from './ops/normalization.ts';
export * from './ops/reduction.ts';
export * from './ops/selection.ts';
export * from './ops/shape.ts';
