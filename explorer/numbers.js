// Numbers as people write them: 0.32, 45, 3.2×10⁷; for ticks and hover.
function sup(n) { return String(n).replace(/[-0-9]/g, c => '⁰¹²³⁴⁵⁶⁷⁸⁹'[c] || '⁻'); }
function powerOfTen(v, digits) {
  if (!isFinite(v)) return 'no data';
  if (v === 0) return '0';
  const e = Math.floor(Math.log10(Math.abs(v)) + 1e-9);
  const places = Math.max(0, -e, digits + 1 - Math.max(e, 0));
  if (e >= -2 && e < 4) return v.toFixed(places).replace('-', '\u2212');
  return (v / 10 ** e).toFixed(digits).replace('-', '\u2212') + '×10' + sup(e);
}
