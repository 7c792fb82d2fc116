// Points in three dimensions as the surface density that they have on the sky, drawn by WebGL 2:
// each adds a round spot of its own width to a picture of densities, whose logarithm is then given
// colors.

const VERTEX = `#version 300 es
layout(location=0) in vec4 point; // place and radius, in units of reach
uniform mat3 pose;
uniform float scale; // half sides of the picture in a unit
uniform float side; // of the picture, in pixels
uniform float weight; // of a point, over the least density that is shown, in square units
out float peak; // density in the middle of the spot, over that
void main() {
  gl_Position = vec4((pose * point.xyz).xy * scale, 0.0, 1.0);
  gl_PointSize = clamp(point.w * scale * side, 2.0, 100.0);
  float diameter = 2.0 * gl_PointSize / (scale * side);
  peak = weight / (${Math.PI / 8} * diameter * diameter); // a disk's integral of 1 - r^2
}`;
const SPOT = `#version 300 es
precision highp float;
in float peak;
out vec4 density;
void main() {
  vec2 r = 2.0 * gl_PointCoord - 1.0;
  float inside = 1.0 - dot(r, r);
  if (inside <= 0.0) discard;
  density = vec4(peak * inside, 0.0, 0.0, 1.0);
}`;
const CORNERS = `#version 300 es
const vec2 corners[3] = vec2[](vec2(-1.0), vec2(3.0, -1.0), vec2(-1.0, 3.0));
void main() { gl_Position = vec4(corners[gl_VertexID], 0.0, 1.0); }`;
const COLOR = `#version 300 es
precision highp float;
uniform sampler2D densities, palette;
uniform float decades;
uniform float left, side; // where the picture lies, in pixels
uniform float part; // of the densities that it takes
out vec4 color;
void main() {
  vec2 place = (gl_FragCoord.xy - vec2(left, 0.0)) / side * part;
  float density = texture(densities, min(place, part - ${0.5 / 256})).r;
  float level = density > 0.0 ? log(density) / log(10.0) / decades : 0.0;
  color = vec4(texture(palette, vec2(clamp(level, 0.002, 0.998), 0.5)).rgb, 1.0);
}`;

// Sides of a picture of densities in its pixels: while it rests, and while it moves.
const FINE_SIDE = 256, COARSE_SIDE = 96;

class PointSky {
  // Throws where the browser has no WebGL 2, or none that can add up densities.
  constructor(canvas) {
    const gl = this.gl = canvas.getContext('webgl2', { antialias: false, alpha: false });
    if (!gl) throw new Error('This browser has no WebGL 2, which draws the clouds.');
    if (!gl.getExtension('EXT_color_buffer_float') && !gl.getExtension('EXT_color_buffer_half_float')) {
      throw new Error('This browser’s WebGL cannot add up densities, which draws the clouds.');
    }
    this.spots = this.program(VERTEX, SPOT, ['pose', 'scale', 'side', 'weight']);
    this.colors = this.program(CORNERS, COLOR, ['densities', 'palette', 'decades', 'left', 'side', 'part']);
    this.buffer = gl.createBuffer();
    gl.bindBuffer(gl.ARRAY_BUFFER, this.buffer);
    this.array = gl.createVertexArray();
    this.empty = gl.createVertexArray();
    gl.bindVertexArray(this.array);
    gl.enableVertexAttribArray(0);
    gl.vertexAttribPointer(0, 4, gl.SHORT, true, 8, 0);
    this.palette = this.texture(gl.NEAREST);
    this.densities = this.texture(gl.LINEAR);
    gl.texImage2D(gl.TEXTURE_2D, 0, gl.R16F, FINE_SIDE, FINE_SIDE, 0, gl.RED, gl.HALF_FLOAT, null);
    this.target = gl.createFramebuffer();
    gl.bindFramebuffer(gl.FRAMEBUFFER, this.target);
    gl.framebufferTexture2D(gl.FRAMEBUFFER, gl.COLOR_ATTACHMENT0, gl.TEXTURE_2D, this.densities, 0);
  }

  program(vertex, fragment, names) {
    const { gl } = this, program = gl.createProgram();
    for (const [type, text] of [[gl.VERTEX_SHADER, vertex], [gl.FRAGMENT_SHADER, fragment]]) {
      const shader = gl.createShader(type);
      gl.shaderSource(shader, text);
      gl.compileShader(shader);
      gl.attachShader(program, shader);
    }
    gl.linkProgram(program);
    if (!gl.getProgramParameter(program, gl.LINK_STATUS)) throw new Error(gl.getProgramInfoLog(program));
    return { program, ...Object.fromEntries(names.map(n => [n, gl.getUniformLocation(program, n)])) };
  }

  texture(filter) {
    const { gl } = this, texture = gl.createTexture();
    gl.bindTexture(gl.TEXTURE_2D, texture);
    for (const [name, value] of [['MIN_FILTER', filter], ['MAG_FILTER', filter],
                                 ['WRAP_S', gl.CLAMP_TO_EDGE], ['WRAP_T', gl.CLAMP_TO_EDGE]]) {
      gl.texParameteri(gl.TEXTURE_2D, gl[`TEXTURE_${name}`], value);
    }
    return texture;
  }

  // Set the sides of the canvas, and of each picture in it, in pixels of the screen.
  resize(width, side) {
    Object.assign(this.gl.canvas, { width, height: side });
    this.side = side;
  }

  wipe([red, green, blue]) {
    const { gl } = this;
    gl.bindFramebuffer(gl.FRAMEBUFFER, null);
    gl.clearColor(red, green, blue, 1);
    gl.clear(gl.COLOR_BUFFER_BIT);
  }

  // Draw a cloud with its left edge at a pixel of the canvas. `points` (n, 4) int16, or null; `limits`
  // of the surface density in units of the whole mass per kpc^2; `half` of the picture's side and
  // `reach` of the points in kpc; colors as bytes (256, 4); coarsely while it moves.
  draw(left, { points, limits, palette }, pose, half, reach, moves) {
    const { gl, side, spots, colors } = this, grain = moves ? COARSE_SIDE : FINE_SIDE;
    gl.bindFramebuffer(gl.FRAMEBUFFER, this.target);
    gl.viewport(0, 0, grain, grain);
    gl.clearColor(0, 0, 0, 1);
    gl.clear(gl.COLOR_BUFFER_BIT);
    const count = points ? points.length / 4 : 0;
    if (count) {
      gl.useProgram(spots.program);
      gl.uniformMatrix3fv(spots.pose, true, pose.flat());
      gl.uniform1f(spots.scale, reach / half);
      gl.uniform1f(spots.side, grain);
      gl.uniform1f(spots.weight, 1 / (count * limits[0] * reach ** 2));
      gl.bindVertexArray(this.array);
      gl.bindBuffer(gl.ARRAY_BUFFER, this.buffer);
      gl.bufferData(gl.ARRAY_BUFFER, points, gl.STREAM_DRAW);
      gl.enable(gl.BLEND);
      gl.blendFunc(gl.ONE, gl.ONE);
      gl.drawArrays(gl.POINTS, 0, count);
      gl.disable(gl.BLEND);
    }
    gl.bindFramebuffer(gl.FRAMEBUFFER, null);
    gl.viewport(left, 0, side, side);
    gl.useProgram(colors.program);
    gl.activeTexture(gl.TEXTURE1);
    gl.bindTexture(gl.TEXTURE_2D, this.palette);
    gl.texImage2D(gl.TEXTURE_2D, 0, gl.RGBA, 256, 1, 0, gl.RGBA, gl.UNSIGNED_BYTE, palette);
    gl.activeTexture(gl.TEXTURE0);
    gl.bindTexture(gl.TEXTURE_2D, this.densities);
    gl.uniform1i(colors.densities, 0);
    gl.uniform1i(colors.palette, 1);
    gl.uniform1f(colors.left, left);
    gl.uniform1f(colors.side, side);
    gl.uniform1f(colors.part, grain / FINE_SIDE);
    gl.uniform1f(colors.decades, Math.log10(limits[1] / limits[0]));
    gl.bindVertexArray(this.empty);
    gl.drawArrays(gl.TRIANGLES, 0, 3);
  }
}
