// The film strip: state and estimate of each run side by side at a few times.

class Film {
  constructor(element, chosen) {
    this.element = element;
    this.chosen = chosen;
  }

  // Take the stops [stop, t] and, for each stop, the step of each reel.
  fill(film, stops, reels) {
    this.reels = reels;
    this.thumbs = film.map(([stop, time]) => {
      const button = document.createElement('button');
      button.type = 'button';
      button.setAttribute('aria-label', `Step ${stop}, t = ${time}`);
      button.innerHTML = `${'<canvas></canvas>'.repeat(2 * reels.length)}<span>t = ${time}</span>`;
      button.addEventListener('click', () => this.chosen(stop));
      const rasters = [...button.querySelectorAll('canvas')].map(canvas => new Raster(canvas));
      return { button, stop, steps: stops[stop - 1], rasters };
    });
    this.element.replaceChildren(...this.thumbs.map(thumb => thumb.button));
  }

  // Paint the frames that have come, in the colors of state and estimate.
  paint(colors) {
    for (const { steps, rasters } of this.thumbs) {
      rasters.forEach((raster, i) => {
        const reel = this.reels[i >> 1], levels = reel.levels(i % 2, steps[i >> 1]);
        if (levels) raster.paint(levels, reel.shape, colors[i % 2]);
      });
    }
  }

  mark(stop) {
    this.thumbs.forEach(({ button, stop: own }, i) => {
      const isNow = stop >= own && !(stop >= this.thumbs[i + 1]?.stop);
      button.setAttribute('aria-current', isNow ? 'step' : 'false');
    });
  }
}
