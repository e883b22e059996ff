function outputSize(n, k, stride, same) {
  return same ? Math.ceil(n / stride) : Math.floor((n - k) / stride) + 1;
}
function border(n, k, stride, same) {
  if (!same) return 0;
  return Math.floor(Math.max((outputSize(n, k, stride, true) - 1) * stride + k - n, 0) / 2);
}
function convolve(image, kernel, bias, stride, same) {
  const kh = kernel.length, kw = kernel[0].length;
  const rows = outputSize(image.length, kh, stride, same);
  const columns = outputSize(image[0].length, kw, stride, same);
  const up = border(image.length, kh, stride, same);
  const left = border(image[0].length, kw, stride, same);
  const map = [];
  for (let r = 0; r < rows; r++) {
    map.push([]);
    for (let c = 0; c < columns; c++) {
      const cell = {top: r * stride - up, left: c * stride - left, terms: [], sum: 0, value: 0};
      for (let i = 0; i < kh; i++) for (let j = 0; j < kw; j++) {
        const row = image[cell.top + i] || [], pixel = row[cell.left + j] || 0;
        cell.terms.push([pixel, kernel[i][j]]);
        cell.sum += pixel * kernel[i][j];
      }
      cell.value = cell.sum + bias;
      map[r].push(cell);
    }
  }
  return map;
}
function answer(map, network) {
  const pooled = [];
  for (const r of [0, 2]) for (const c of [0, 2]) {
    const four = [map[r][c], map[r][c + 1], map[r + 1][c], map[r + 1][c + 1]];
    pooled.push(Math.max(0, ...four.map(cell => cell.value)));
  }
  let hidden = network.hidden[4];
  pooled.forEach((value, i) => { hidden += value * network.hidden[i]; });
  hidden = Math.max(0, hidden);
  return {pooled, outputs: network.outputs.map((w, i) => w * hidden + network.biases[i])};
}
