// What the player is made of.

const SPEEDS = [2, 5, 10, 25, 60];
const ICONS = {
  first: 'M5 4v12M16 4l-8 6 8 6z', previous: 'M5 4v12M14 4l-6 6 6 6z', play: 'M6 4l10 6-10 6z',
  pause: 'M7 4v12M13 4v12', next: 'M15 4v12M6 4l6 6-6 6z', last: 'M15 4v12M4 4l8 6-8 6z',
  loop: 'M4 9a5 5 0 0 1 5-4h6m-3-3 3 3-3 3M16 11a5 5 0 0 1-5 4H5m3 3-3-3 3-3',
};
const AXES = [
  ['step', 'step', 'Slider by step'], ['t', 't', 'Slider by time t, from noise (1) to the map (0)'],
  ['sigma', 'σ', 'Slider by σ, the noise left in xₜ'],
];

const icon = name => `<svg viewBox="0 0 20 20" aria-hidden="true"><path d="${ICONS[name]}"/></svg>`;
const button = (name, words) =>
  `<button type="button" class="${name}" aria-label="${words}" title="${words}">${icon(name)}</button>`;

const PANES = `
  ${'<div class="map"><canvas role="img"></canvas><output></output></div>'.repeat(3)}
  <div class="curve">
    <div class="segments" role="group" aria-label="Curve"></div>
    <canvas role="img"></canvas>
  </div>`;

const TEMPLATE = `
<div class="player" tabindex="0" role="group" aria-label="Steps of the translation">
  <div class="bar">
    <span class="label"></span>
    ${button('first', 'First step')}${button('previous', 'Previous step')}${button('play', 'Play')}
    ${button('next', 'Next step')}${button('last', 'Last step')}${button('loop', 'Loop')}
    <select aria-label="Speed" title="Speed">
      ${SPEEDS.map(s => `<option value="${s}">${s} steps/s</option>`).join('')}
    </select>
    <div class="scrub">
      <input type="range" min="1" step="1" aria-label="Step">
      <div class="ticks" aria-hidden="true"></div>
    </div>
    <div class="segments axis" role="group" aria-label="Axis of the slider"></div>
  </div>
  <div class="runs">
    <div class="legend"></div>
    <span class="note" role="status"></span>
    <div class="segments modes" role="group" aria-label="Compare"></div>
    <button type="button" class="pin"></button>
  </div>
  <div class="plots">${PANES}</div>
  <div class="film" role="group" aria-label="Film strip"></div>
  <p></p>
</div>`;
