/**
 * Makes a function of an object that works each object out once, for as long as somebody holds it: for objects that are
 * never changed, and results that depend on nothing else.
 */
export function remembered<Key extends object, Value>(workOut: (key: Key) => Value): (key: Key) => Value {
  const known = new WeakMap<Key, Value>();
  return (key) => {
    const found = known.get(key);
    if (found !== undefined || known.has(key)) return found as Value;
    const value = workOut(key);
    known.set(key, value);
    return value;
  };
}
