// A table that is sorted where it is shown. Sorting keeps what has no number at the end.

export function render({ model, el }) {
  el.innerHTML = '<table><caption></caption><thead><tr></tr></thead><tbody></tbody></table>';
  const find = selector => el.querySelector(selector);
  const make = (name, className, text) => {
    const made = document.createElement(name);
    if (className) made.className = className;
    made.textContent = text;
    return made;
  };
  let column = 0, ascending = true;  // of the numbers; -1 is the name

  const value = row => column < 0 ? row.title.toLowerCase() : row.cells[column][0];
  const compare = (one, other) => {
    const a = value(one), b = value(other);
    if (a === null || b === null) return (a === null) - (b === null);
    return (a < b ? -1 : a > b ? 1 : 0) * (ascending ? 1 : -1);
  };

  const heads = [model.head, ...model.columns.map(([head]) => head)].map((text, place) => {
    const head = make('th', '', ''), button = make('button', '', text);
    const [, unit, meaning] = place ? model.columns[place - 1] : ['', '', 'As evaluated'];
    head.scope = 'col';
    button.type = 'button';
    button.title = meaning;
    if (unit) button.append(' ', make('span', 'unit', `(${unit})`));
    button.append(make('span', 'arrow', ''));
    button.addEventListener('click', () => {
      ascending = column === place - 1 ? !ascending : true;
      column = place - 1;
      fill();
    });
    head.append(button);
    find('thead tr').append(head);
    return head;
  });

  const line = row => {
    const made = make('tr', row.chosen ? 'chosen' : '', '');
    const name = make('th', '', row.open ? '' : row.title);
    name.scope = 'row';
    made.dataset.method = row.name;
    if (row.open) {
      const button = make('button', '', row.title);
      button.type = 'button';
      button.title = row.chosen ? model.chosen : model.choosing;
      button.setAttribute('aria-pressed', row.chosen);
      button.addEventListener('click', () => model.send_msg({ choose: row.name }));
      name.append(button);
    }
    made.append(name);
    row.cells.forEach(([, text, best], place) => {
      const cell = make('td', best ? 'best' : '', text);
      if (best) cell.title = 'Best of the column';
      else if (model.columns[place][1] === 's' && row.device) cell.title = row.device;
      made.append(cell);
    });
    return made;
  };

  const fill = () => {
    const focused = el.getRootNode().activeElement?.closest('tr')?.dataset.method;
    find('caption').textContent = model.caption;
    heads.forEach((head, place) => {
      const sorts = place - 1 === column;
      head.setAttribute('aria-sort', sorts ? (ascending ? 'ascending' : 'descending') : 'none');
      head.querySelector('.arrow').textContent = sorts ? (ascending ? ' ↑' : ' ↓') : '';
    });
    find('tbody').replaceChildren(...[...model.rows].sort(compare).map(line));
    if (focused) find(`tr[data-method="${CSS.escape(focused)}"] button`)?.focus();
  };

  model.on('rows', fill);
  model.on('caption', fill);
  fill();
  model.send_msg({ ready: true });
}
