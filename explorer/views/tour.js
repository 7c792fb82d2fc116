// The tour: a dialog of a few pages. Escape and focus are the browser's own work.

const TEMPLATE = `
<button type="button" class="open" aria-label="Help: a tour of this page" aria-haspopup="dialog"
  aria-keyshortcuts="?" title="Help (?)">?</button>
<dialog aria-labelledby="title">
  <button type="button" class="close" aria-label="Close" title="Close (Esc)">×</button>
  <div aria-live="polite"><h2 id="title"></h2><div class="text"></div></div>
  <footer>
    <span class="place"></span>
    <button type="button" class="back">Back</button>
    <button type="button" class="next" autofocus></button>
  </footer>
</dialog>`;

export function render({ model, el }) {
  el.innerHTML = TEMPLATE;
  const find = selector => el.querySelector(selector);
  const dialog = find('dialog'), back = find('.back'), next = find('.next');
  let at = 0;

  const show = page => {
    at = Math.min(Math.max(page, 0), model.pages.length - 1);
    const [title, text] = model.pages[at], isLast = at === model.pages.length - 1;
    find('h2').textContent = title;
    find('.text').innerHTML = text;
    find('.place').textContent = `${at + 1} of ${model.pages.length}`;
    next.textContent = isLast ? 'Done' : 'Next';
    if (at === 0 && back === el.getRootNode().activeElement) next.focus();
    back.disabled = at === 0;
  };
  const open = () => { show(0); dialog.showModal(); };
  const forward = () => at === model.pages.length - 1 ? dialog.close() : show(at + 1);

  find('.open').addEventListener('click', open);
  find('.close').addEventListener('click', () => dialog.close());
  back.addEventListener('click', () => show(at - 1));
  next.addEventListener('click', forward);
  dialog.addEventListener('click', event => { if (event.target === dialog) dialog.close(); });
  dialog.addEventListener('keydown', event => {
    if (event.key === 'ArrowRight') show(at + 1);
    else if (event.key === 'ArrowLeft') show(at - 1);
  });
  const press = event => {
    const target = event.composedPath()[0];
    if (event.key !== '?' || event.ctrlKey || event.metaKey || event.altKey) return;
    if (target.matches?.('input:not([type=range]), textarea, [contenteditable]')) return;
    event.preventDefault();
    dialog.open ? dialog.close() : open();
  };
  document.addEventListener('keydown', press);
  model.on('remove', () => document.removeEventListener('keydown', press));
}
