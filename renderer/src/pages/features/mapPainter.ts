// Draws points on a canvas: with WebGL2 where the browser has it, else in two dimensions, which is slower but shows the same.
import type { MapView, Size } from './mapView.ts';

export interface Points {
  /** `[n, 2]`, on the map. */
  readonly places: Float32Array;
  /** `[n, 4]`: red, green, blue, alpha. */
  readonly colours: Uint8ClampedArray;
  /** `[n]`: diameters in CSS pixels. */
  readonly sizes: Float32Array;
}

export interface Painter {
  readonly kind: 'webgl' | 'plane';
  /** Takes other points; to be drawn. */
  set(points: Points): void;
  /** @param pixelRatio device pixels per CSS pixel */
  draw(view: MapView, size: Size, pixelRatio: number): void;
  dispose(): void;
}

const VERTEX = `#version 300 es
in vec2 place;
in vec4 colour;
in float diameter;
uniform vec2 middle;
uniform vec2 perUnit; // of clip space
uniform float pixelRatio;
out vec4 shade;
out float edge;
void main() {
  gl_Position = vec4((place - middle) * perUnit, 0.0, 1.0);
  gl_PointSize = diameter * pixelRatio;
  shade = colour;
  edge = 2.0 / max(2.0, gl_PointSize);
}`;

const FRAGMENT = `#version 300 es
precision mediump float;
in vec4 shade;
in float edge;
out vec4 result;
void main() {
  float distance = length(gl_PointCoord * 2.0 - 1.0);
  float alpha = shade.a * (1.0 - smoothstep(1.0 - edge, 1.0, distance));
  if (alpha <= 0.0) discard;
  result = vec4(shade.rgb * alpha, alpha);
}`;

/** @param allowsWebgl false: as in a browser without it */
export function createPainter(canvas: HTMLCanvasElement, allowsWebgl = true): Painter | null {
  const gl = allowsWebgl ? canvas.getContext('webgl2', { antialias: false, preserveDrawingBuffer: true }) : null;
  const painter = gl && webglPainter(gl);
  if (painter) return painter;
  const plane = canvas.getContext('2d');
  return plane && planePainter(plane);
}

/** Null where the shaders do not compile: a driver that is there in name only. */
function webglPainter(gl: WebGL2RenderingContext): Painter | null {
  const program = gl.createProgram();
  for (const [type, source] of [
    [gl.VERTEX_SHADER, VERTEX],
    [gl.FRAGMENT_SHADER, FRAGMENT],
  ] as const) {
    const shader = gl.createShader(type);
    if (!shader) return null;
    gl.shaderSource(shader, source);
    gl.compileShader(shader);
    gl.attachShader(program, shader);
  }
  gl.linkProgram(program);
  if (gl.getProgramParameter(program, gl.LINK_STATUS) !== true) return null;
  const uniform = (name: string) => gl.getUniformLocation(program, name);
  const [middle, perUnit, ratio] = [uniform('middle'), uniform('perUnit'), uniform('pixelRatio')];
  const array = gl.createVertexArray();
  const buffers = { place: gl.createBuffer(), colour: gl.createBuffer(), diameter: gl.createBuffer() };
  gl.bindVertexArray(array);
  const attribute = (name: keyof typeof buffers, size: number, type: number, isNormalised: boolean) => {
    const location = gl.getAttribLocation(program, name);
    gl.bindBuffer(gl.ARRAY_BUFFER, buffers[name]);
    gl.enableVertexAttribArray(location);
    gl.vertexAttribPointer(location, size, type, isNormalised, 0, 0);
  };
  attribute('place', 2, gl.FLOAT, false);
  attribute('colour', 4, gl.UNSIGNED_BYTE, true);
  attribute('diameter', 1, gl.FLOAT, false);
  gl.enable(gl.BLEND);
  gl.blendFunc(gl.ONE, gl.ONE_MINUS_SRC_ALPHA);
  let count = 0;
  const fill = (buffer: WebGLBuffer | null, values: ArrayBufferView) => {
    gl.bindBuffer(gl.ARRAY_BUFFER, buffer);
    gl.bufferData(gl.ARRAY_BUFFER, values, gl.DYNAMIC_DRAW);
  };
  return {
    kind: 'webgl',
    set: ({ places, colours, sizes }) => {
      count = sizes.length;
      fill(buffers.place, places);
      fill(buffers.colour, colours);
      fill(buffers.diameter, sizes);
    },
    draw: (view, { width, height }, pixelRatio) => {
      gl.viewport(0, 0, gl.drawingBufferWidth, gl.drawingBufferHeight);
      gl.clearColor(0, 0, 0, 0);
      gl.clear(gl.COLOR_BUFFER_BIT);
      gl.useProgram(program);
      gl.bindVertexArray(array);
      gl.uniform2f(middle, view.x, view.y);
      gl.uniform2f(perUnit, (2 * view.scale) / width, (2 * view.scale) / height);
      gl.uniform1f(ratio, pixelRatio);
      gl.drawArrays(gl.POINTS, 0, count);
    },
    dispose: () => {
      for (const buffer of Object.values(buffers)) gl.deleteBuffer(buffer);
      gl.deleteVertexArray(array);
      gl.deleteProgram(program);
    },
  };
}

function planePainter(plane: CanvasRenderingContext2D): Painter {
  let points: Points = { places: new Float32Array(0), colours: new Uint8ClampedArray(0), sizes: new Float32Array(0) };
  return {
    kind: 'plane',
    set: (given) => (points = given),
    draw: (view, { width, height }, pixelRatio) => {
      const { places, colours, sizes } = points;
      plane.setTransform(pixelRatio, 0, 0, pixelRatio, 0, 0);
      plane.clearRect(0, 0, width, height);
      for (let index = 0; index < sizes.length; index++) {
        const x = width / 2 + (places[2 * index]! - view.x) * view.scale;
        const y = height / 2 - (places[2 * index + 1]! - view.y) * view.scale;
        if (x < -8 || y < -8 || x > width + 8 || y > height + 8) continue;
        const at = 4 * index;
        plane.fillStyle = `rgb(${colours[at]} ${colours[at + 1]} ${colours[at + 2]} / ${(colours[at + 3] ?? 0) / 255})`;
        const side = sizes[index]! * 0.9;
        plane.fillRect(x - side / 2, y - side / 2, side, side);
      }
    },
    dispose: () => undefined,
  };
}
