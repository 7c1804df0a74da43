/** Makes a value for each owner once. The value lives as long as its owner. */
export function oncePer<Owner extends object, Value extends object>(
  make: (owner: Owner) => Value,
): (owner: Owner) => Value {
  const values = new WeakMap<Owner, Value>()
  return (owner) => {
    const value = values.get(owner) ?? make(owner)
    values.set(owner, value)
    return value
  }
}
