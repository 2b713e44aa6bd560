// Times in words. The world's clock is UTC, and so is all that is shown.

const two = (number) => String(number).padStart(2, '0');

export function clock(at, seconds) {
  const date = new Date(at);
  const short = `${two(date.getUTCHours())}:${two(date.getUTCMinutes())}`;
  return seconds ? `${short}:${two(date.getUTCSeconds())}` : short;
}

export function day(at, now, words) {
  const days = Math.floor(now / 86400000) - Math.floor(at / 86400000);
  return days === 0 ? words.today : days === 1 ? words.yesterday : new Date(at).toISOString().slice(0, 10);
}

/** `4:12` below ten minutes, `13 h 10 min` above. */
export function left(ms, words) {
  const seconds = Math.max(0, Math.floor(ms / 1000));
  const minutes = Math.floor(seconds / 60);
  if (minutes < 10) return `${minutes}:${two(seconds % 60)}`;
  const [d, h, m] = [Math.floor(minutes / 1440), Math.floor(minutes / 60) % 24, minutes % 60];
  return [d && `${d} ${words.d}`, h && `${h} ${words.h}`, m && `${m} ${words.m}`].filter(Boolean).join(' ');
}

/** As RouterOS prints it: `1w2d3h4m5s`. */
export function routerTime(ms) {
  let rest = Math.max(0, Math.floor(ms / 1000));
  let text = '';
  for (const [unit, size] of [['w', 604800], ['d', 86400], ['h', 3600], ['m', 60], ['s', 1]]) {
    const count = Math.floor(rest / size);
    rest -= count * size;
    if (count || (unit === 's' && !text)) text += count + unit;
  }
  return text;
}

export function took(us, words) {
  if (us < 1000) return `${us} ${words.us}`;
  if (us < 10000) return `${(us / 1000).toFixed(1)} ${words.ms}`;
  return us < 1e6 ? `${Math.round(us / 1000)} ${words.ms}` : `${(us / 1e6).toFixed(1)} ${words.s}`;
}
