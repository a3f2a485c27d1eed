// The order of values that have one of their own: ages and signs, in Chinese and in English.

const SIGNS = [
  ["白羊座", "牡羊座", "aries"],
  ["金牛座", "taurus"],
  ["双子座", "gemini"],
  ["巨蟹座", "cancer"],
  ["狮子座", "leo"],
  ["处女座", "virgo"],
  ["天秤座", "libra"],
  ["天蝎座", "scorpio"],
  ["射手座", "sagittarius"],
  ["摩羯座", "魔羯座", "山羊座", "capricorn"],
  ["水瓶座", "aquarius"],
  ["双鱼座", "pisces"],
];
const LAST = 1e9;

function signOrder(sign) {
  if (sign === null) return LAST;
  const found = SIGNS.findIndex((names) => names.includes(sign.toLowerCase()));
  return found < 0 ? LAST - 1 : found;
}

function ageOrder(age) {
  if (age === null) return LAST;
  const first = age.match(/\d+/);
  if (!first) return LAST - 1;
  if (/以下|under|below|less|[<≤]/i.test(age)) return Number(first[0]) - 0.5;
  if (/以上|over|above|more|[>≥+]/i.test(age)) return Number(first[0]) + 0.5;
  return Number(first[0]);
}

function by(order) {
  return (one, other) => order(one) - order(other) || String(one).localeCompare(String(other));
}

/** Compare signs by the year. */
export const bySign = by(signOrder);

/** Compare ranges of age by their years. */
export const byAge = by(ageOrder);

/** Compare genders: names first, what is not known last. */
export function byGender(one, other) {
  if (one === null || other === null) return (one === null) - (other === null);
  return one.localeCompare(other);
}
