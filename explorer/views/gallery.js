// Galaxies as a wall of buttons. A picture comes when it is made; its place is there before.

export function render({ model, el }) {
  const wall = document.createElement('div');
  wall.className = 'pictures';
  wall.setAttribute('role', 'group');
  el.append(wall);
  const made = new Map();  // by key, the button and its parts
  const addresses = new Map();  // by key, of its picture

  const button = key => {
    const part = (name, className, parent) => {
      const element = document.createElement(name);
      element.className = className;
      parent.append(element);
      return element;
    };
    const root = part('button', 'galaxy', wall);
    root.type = 'button';
    root.dataset.galaxy = key;
    root.addEventListener('click', () => model.send_msg({ choose: key }));
    const frame = part('span', 'frame', root);
    const image = part('img', '', frame);
    image.alt = '';
    image.hidden = true;
    return { root, image, label: part('span', 'label', root), lines: part('span', 'lines', root) };
  };

  // Each of a domain comes anew: until then the last one's stays, so that nothing flickers.
  const hang = pictures => {
    for (const [key, address] of Object.entries(pictures)) {
      addresses.set(key, address);
      if (made.has(key)) show(key);
    }
  };
  const show = key => {
    const { image } = made.get(key), address = addresses.get(key);
    image.hidden = !address;
    if (address) image.src = address;
  };

  const fill = () => {
    wall.setAttribute('aria-label', `Galaxies in ${model.domain}`);
    const focused = el.getRootNode().activeElement?.dataset?.galaxy;
    const wanted = model.items.map(item => {
      if (!made.has(item.key)) {
        made.set(item.key, button(item.key));
        show(item.key);
      }
      const { root, label, lines } = made.get(item.key);
      label.textContent = item.label;
      lines.textContent = item.lines.join('\n');
      root.title = item.chosen ? 'On view' : `Show ${item.label}`;
      root.setAttribute('aria-pressed', item.chosen);
      return root;
    });
    // A button that is put in anew forgets that it is pressed, and the click would be lost.
    const { children } = wall;
    if (wanted.length === children.length && wanted.every((e, n) => e === children[n])) return;
    wall.replaceChildren(...wanted);
    if (focused) made.get(focused)?.root.focus();
  };

  model.on('items', fill);
  model.on('domain', fill);
  model.on('msg:custom', message => hang((message.data ?? message).pictures ?? {}));
  fill();
  model.send_msg({ ready: true });
}
