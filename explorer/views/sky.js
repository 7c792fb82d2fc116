// What part of the sky all maps look at: zoomed and dragged here, and shared with Bokeh's maps.

const SHARE_MS = 80;

class Sky {
  // `range` is { x, y } of Bokeh, or null, and `lines` its crosshair, { across, down }, or null;
  // `changed` and `pointed` are called when that happens, here or there.
  constructor(range, changed, pointed, lines) {
    Object.assign(this, { range, changed, pointed, lines, extent: 1, pixels: 1 });
    this.heed = () => {
      const place = [lines.down.location, lines.across.location];
      this.pointed(place.every(Number.isFinite) ? place : null);
    };
    for (const each of this.ownLines()) each.properties.location.change.connect(this.heed);
    this.follow = () => { if (!this.sharing) this.look(this.rangeView(), false); };
    for (const axis of this.axes()) axis.change.connect(this.follow);
  }

  ownLines() { return this.lines ? [this.lines.across, this.lines.down] : []; }

  axes() { return this.range ? [this.range.x, this.range.y] : []; }

  close() {
    clearTimeout(this.share);
    for (const axis of this.axes()) axis.change.disconnect(this.follow);
    for (const each of this.ownLines()) each.properties.location.change.disconnect(this.heed);
  }

  // Take the side of the maps in kpc and in pixels.
  take(extent, pixels) {
    Object.assign(this, { extent, pixels });
    this.view = this.range ? this.rangeView() : this.whole();
  }

  listen(plot) {
    const { canvas } = plot, here = event => plot.at(event.offsetX, event.offsetY);
    canvas.addEventListener('pointerdown', event => this.grab(event, plot));
    canvas.addEventListener('pointermove', event => this.drag(event, plot) || this.point(here(event)));
    canvas.addEventListener('lostpointercapture', () => { this.grip = null; });
    canvas.addEventListener('pointerleave', () => this.point(null));
    canvas.addEventListener('dblclick', () => this.reset());
    canvas.addEventListener('wheel', event => {
      if (!event.ctrlKey && !event.metaKey) return; // the page scrolls
      event.preventDefault();
      if (here(event)) this.zoom(1.002 ** event.deltaY, here(event));
    }, { passive: false });
  }

  // Point at [x, y] in kpc, or nowhere; Bokeh's maps follow, and the server hears nothing of it.
  point(place) {
    if (!this.lines) return void this.pointed(place);
    const [x, y] = place || [NaN, NaN];
    this.lines.across.setv({ location: y }, { sync: false });
    this.lines.down.setv({ location: x }, { sync: false });
  }

  whole() {
    const half = this.extent / 2;
    return { x0: -half, x1: half, y0: -half, y1: half };
  }

  rangeView() {
    const { x, y } = this.range;
    return { x0: x.start, x1: x.end, y0: y.start, y1: y.end };
  }

  reset() { this.look(this.whole()); }

  // The view, moved away from the map by half of it at most, as Bokeh's ranges are.
  inside({ x0, x1, y0, y1 }) {
    const place = (low, wide) => Math.min(Math.max(low, -this.extent), this.extent - wide);
    const wide = x1 - x0, high = y1 - y0, left = place(x0, wide), bottom = place(y0, high);
    return { x0: left, x1: left + wide, y0: bottom, y1: bottom + high };
  }

  look(view, isOurs = true) {
    this.view = isOurs ? this.inside(view) : view;
    this.changed();
    if (!isOurs || !this.range) return;
    // Bokeh's maps take longer to draw than ours: they follow at their own pace.
    clearTimeout(this.share);
    this.share = setTimeout(() => {
      this.sharing = true;
      this.range.x.setv({ start: this.view.x0, end: this.view.x1 });
      this.range.y.setv({ start: this.view.y0, end: this.view.y1 });
      this.sharing = false;
    }, SHARE_MS);
  }

  zoom(factor, about) {
    const { x0, x1, y0, y1 } = this.view, [x, y] = about || [(x0 + x1) / 2, (y0 + y1) / 2];
    const wide = (x1 - x0) * factor;
    if (wide > 2 * this.extent || wide < 4 * this.extent / this.pixels) return;
    this.look({ x0: x + (x0 - x) * factor, x1: x + (x1 - x) * factor,
                y0: y + (y0 - y) * factor, y1: y + (y1 - y) * factor });
  }

  grab(event, plot) {
    if (!plot.at(event.offsetX, event.offsetY)) return;
    plot.canvas.setPointerCapture(event.pointerId);
    this.grip = { x: event.offsetX, y: event.offsetY, view: this.view };
  }

  drag(event, plot) {
    if (!this.grip) return false;
    const { x, y, view } = this.grip;
    const right = (event.offsetX - x) / plot.size * (view.x1 - view.x0);
    const up = (y - event.offsetY) / plot.size * (view.y1 - view.y0);
    this.look({ x0: view.x0 - right, x1: view.x1 - right, y0: view.y0 - up, y1: view.y1 - up });
    return true;
  }
}
