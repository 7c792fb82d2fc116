// A sphere with the disk's plane and axis in it, turned by dragging it (Shoemake 1992) or by keys.
//
// `pose` is the rotation from the disk's axes to the screen's: x to the right, y up, z to the
// observer. One view at a time is asked for; when it is shown, the latest is asked for next.

const RADIUS = 50, STEP = 5, FINE = 1;

const point = v => `${(RADIUS * v[0]).toFixed(2)},${(-RADIUS * v[1]).toFixed(2)}`;
const path = points => points.length ? `M${points.map(point).join('L')}` : '';
const circle = (pose, radius) => Array.from({ length: 121 }, (_, k) => apply(
  pose, [radius * Math.cos(3 * k * RAD), radius * Math.sin(3 * k * RAD), 0]));
// The parts of a curve before (sign 1) or behind (-1) the screen's plane.
const part = (points, sign) => {
  const runs = [[]];
  for (const p of points) {
    if (sign * p[2] >= -1e-9) runs[runs.length - 1].push(p);
    else if (runs[runs.length - 1].length) runs.push([]);
  }
  return runs.map(path).join('');
};

export function render({ model, el }) {
  el.innerHTML = `<svg viewBox="-60 -60 120 120" tabindex="0" role="application"
    aria-roledescription="sphere to turn the galaxy with">
    <title>Drag to turn; arrow keys turn, Page Up and Page Down roll, with Shift by 1°</title>
    <circle class="ball" r="${RADIUS}"/><path class="axis far"/><path class="rim far"/>
    <path class="plane"/><path class="ring"/><path class="rim near"/><path class="axis near"/>
    <path class="mark"/><circle class="pole" r="3.2"/></svg>`;
  const find = selector => el.querySelector(selector), svg = find('svg');
  let pose = poseOf(model.angles), grip = null, rest = null, asked = false, waiting = false;

  const draw = () => {
    const rim = circle(pose, 1), axis = apply(pose, Z), up = axis[2] >= 0;
    const tips = [axis, axis.map(v => -v)].map(v => v.map(c => 1.16 * c));
    const [near, far] = up ? tips : [tips[1], tips[0]];
    find('.plane').setAttribute('d', path(rim));
    find('.ring').setAttribute('d', path(circle(pose, 0.5)));
    find('.rim.near').setAttribute('d', part([...rim, ...rim], 1));
    find('.rim.far').setAttribute('d', part([...rim, ...rim], -1));
    find('.axis.near').setAttribute('d', path([[0, 0, 0], near]));
    find('.axis.far').setAttribute('d', path([[0, 0, 0], far]));
    find('.mark').setAttribute('d', path([[0, 0, 0], apply(pose, X)]));
    find('.pole').setAttribute('cx', 1.16 * RADIUS * axis[0]);
    find('.pole').setAttribute('cy', -1.16 * RADIUS * axis[1]);
    find('.pole').classList.toggle('behind', !up);
    const [i, pa, azimuth] = anglesOf(pose);
    svg.setAttribute('aria-label',
      `Direction of view: inclination ${i}°, position angle ${pa}°, azimuth ${azimuth}°`);
  };
  const ask = () => {
    if (waiting) { asked = true; return; }
    waiting = true;
    asked = false;
    model.send_msg({ turn: anglesOf(pose) });
  };
  const settle = () => {
    clearTimeout(rest);
    rest = null;
    asked = waiting = false;
    model.send_msg({ settle: anglesOf(pose) });
  };
  const turn = rotation => {
    pose = multiply(rotation, pose);
    draw();
    ask();
  };
  const touched = event => {
    const box = svg.getBoundingClientRect(), radius = RADIUS / 120 * box.width;
    return onSphere((event.clientX - box.left - 0.5 * box.width) / radius,
                    -(event.clientY - box.top - 0.5 * box.height) / radius);
  };

  svg.addEventListener('pointerdown', event => {
    if (event.button) return;
    svg.setPointerCapture(event.pointerId);
    svg.classList.add('held');
    grip = { at: touched(event), moved: false };
  });
  svg.addEventListener('pointermove', event => {
    if (!grip) return;
    const to = touched(event), rotation = between(grip.at, to);
    grip = { at: to, moved: true };
    turn(rotation);
  });
  const release = () => {
    svg.classList.remove('held');
    if (grip?.moved) settle();
    grip = null;
  };
  svg.addEventListener('pointerup', release);
  svg.addEventListener('pointercancel', release);

  const keys = { ArrowLeft: [Y, -1], ArrowRight: [Y, 1], ArrowUp: [X, -1], ArrowDown: [X, 1],
                 PageUp: [Z, 1], PageDown: [Z, -1] };
  svg.addEventListener('keydown', event => {
    if (!(event.key in keys) || event.ctrlKey || event.metaKey || event.altKey) return;
    event.preventDefault();
    const [axis, sign] = keys[event.key];
    turn(about(axis, sign * (event.shiftKey ? FINE : STEP) * RAD));
    clearTimeout(rest);
    rest = setTimeout(settle, 400);
  });
  svg.addEventListener('blur', () => { if (rest) settle(); });

  model.on('angles', () => {
    if (grip || rest || String(anglesOf(pose)) === String(model.angles)) return;
    pose = poseOf(model.angles);
    draw();
  });
  model.on('msg:custom', () => {
    waiting = false;
    if (asked) ask();
  });
  draw();
}
