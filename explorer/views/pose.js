// How something is seen, as a rotation (3, 3) of its axes to the screen's: x to the right, y up, z to
// the observer; and how a pointer turns it.

const RAD = Math.PI / 180;

const multiply = (a, b) => a.map(row => [0, 1, 2].map(
  j => row[0] * b[0][j] + row[1] * b[1][j] + row[2] * b[2][j]));
const apply = (a, v) => a.map(row => row[0] * v[0] + row[1] * v[1] + row[2] * v[2]);
const about = ([x, y, z], angle) => {
  const c = Math.cos(angle), s = Math.sin(angle), d = 1 - c;
  return [[c + x * x * d, x * y * d - z * s, x * z * d + y * s],
          [y * x * d + z * s, c + y * y * d, y * z * d - x * s],
          [z * x * d - y * s, z * y * d + x * s, c + z * z * d]];
};
const X = [1, 0, 0], Y = [0, 1, 0], Z = [0, 0, 1];

// As `data.rotations.viewing_rotation` and `viewing_angles`.
const poseOf = ([inclination, positionAngle, azimuth]) => multiply(
  about(Z, (positionAngle + 90) * RAD), multiply(about(X, inclination * RAD), about(Z, azimuth * RAD)));
const anglesOf = pose => {
  const tilt = Math.hypot(pose[0][2], pose[1][2]), upright = tilt < 1e-9;
  const node = upright ? Math.atan2(pose[1][0], pose[0][0]) : Math.atan2(pose[0][2], -pose[1][2]);
  const azimuth = upright ? 0 : Math.atan2(pose[2][0], pose[2][1]);
  const round = angle => Math.round(10 * angle) / 10;
  const turn = angle => Math.round(10 * angle + 7200) % 3600 / 10;
  return [round(Math.atan2(tilt, pose[2][2]) / RAD), turn(node / RAD - 90), turn(azimuth / RAD)];
};

// Where a pointer, in radii from the center, touches the sphere; beside it, the nearest of its rim.
const onSphere = (x, y) => {
  const r = Math.hypot(x, y);
  return r < 1 ? [x, y, Math.sqrt(1 - r * r)] : [x / r, y / r, 0];
};
const between = (a, b) => {
  const axis = [a[1] * b[2] - a[2] * b[1], a[2] * b[0] - a[0] * b[2], a[0] * b[1] - a[1] * b[0]];
  const sine = Math.hypot(...axis);
  if (sine < 1e-9) return [X, Y, Z];
  return about(axis.map(v => v / sine), Math.atan2(sine, a[0] * b[0] + a[1] * b[1] + a[2] * b[2]));
};
