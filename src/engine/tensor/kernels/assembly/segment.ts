/**
 * table[ids[i], :] += rows[i, :] for i = 0 … n − 1 in this order: the gradient of an embedding. One thread and one
 * order, so that repeated ids give the same bits each time (onnxruntime's ScatterND races on them).
 */
export function segmentSum(table: usize, rows: usize, ids: usize, n: i32, width: i32): void {
  const bytes = (width as usize) << 2;
  const end = bytes & ~(15 as usize);
  for (let i: usize = 0; i < (n as usize); i++) {
    const dst = table + (load<u32>(ids + (i << 2)) as usize) * bytes;
    const src = rows + i * bytes;
    let o: usize = 0;
    for (; o < end; o += 16) v128.store(dst + o, f32x4.add(v128.load(dst + o), v128.load(src + o)));
    for (; o < bytes; o += 4) store<f32>(dst + o, load<f32>(dst + o) + load<f32>(src + o));
  }
}

/** table[ids[i], :] = 0: undoes segmentSum without touching the rows that it left alone. */
export function clearRows(table: usize, ids: usize, n: i32, width: i32): void {
  const bytes = (width as usize) << 2;
  for (let i: usize = 0; i < (n as usize); i++) {
    memory.fill(table + (load<u32>(ids + (i << 2)) as usize) * bytes, 0, bytes);
  }
}
