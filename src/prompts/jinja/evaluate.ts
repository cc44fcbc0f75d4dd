import type { Range } from '../prompt-file.ts';
import { attributeOf } from './attributes.ts';
import { type Filters, standardFilters } from './filters.ts';
import { globals } from './globals.ts';
import { type Call, childrenOf, type Name, type Node, type NodeOf } from './nodes.ts';
import { operate } from './operators.ts';
import { type Syntax, TEST_AS_FILTER } from './syntax.ts';
import { holds } from './tests.ts';
import {
  type Arguments,
  type Callable,
  type Dict,
  Float,
  isEqual,
  isNumber,
  isTrue,
  itemsOf,
  kindOf,
  lengthOf,
  listOf,
  Namespace,
  numberOf,
  RenderFault,
  Tuple,
  textOf,
  tupleOf,
  Undefined,
  type Value,
} from './values.ts';

/** Longest text that a template may make. */
const MOST_CHARACTERS = 4 << 20;

export interface EvaluateOptions {
  values: Dict;
  /** Beside jinja2's. */
  filters?: Filters;
  /** Names that are something even without a value: asking whether they have one is no mistake. */
  known?: ReadonlySet<string>;
  /** A name without a value was used. */
  onUndefined: (name: string, place: Range | undefined) => void;
}

/** Something went wrong at a place of the template's text. */
export class RenderError extends Error {
  readonly range: Range | undefined;

  constructor(message: string, range: Range | undefined) {
    super(message);
    this.range = range;
  }
}

class Break extends Error {}
class Continue extends Error {}

/** Names that are set in a part of a template, above those of the part around it. */
class Scope {
  readonly #names: Dict = new Map();
  readonly #around: Scope | null;

  constructor(around: Scope | null, names?: Dict) {
    this.#around = around;
    if (names) this.#names = names;
  }

  get(name: string): Value | undefined {
    const own = this.#names.get(name);
    return own !== undefined || !this.#around ? own : this.#around.get(name);
  }

  set(name: string, value: Value): void {
    this.#names.set(name, value);
  }
}

/**
 * What a template makes of values, as Python's jinja2 makes it (docs/prompt-templates.md says of which part). It has no
 * way out: a template gets at its values, and at the filters, tests and methods that are listed.
 * @throws RenderError
 */
export function evaluate(syntax: Syntax, options: EvaluateOptions): string {
  return new Evaluator(syntax, options).run();
}

class Evaluator {
  readonly #syntax: Syntax;
  readonly #options: EvaluateOptions;
  readonly #filters: Filters;
  /** Where it is, as far as names tell. */
  #at: Range | undefined;

  constructor(syntax: Syntax, options: EvaluateOptions) {
    this.#syntax = syntax;
    this.#options = options;
    this.#filters = { ...standardFilters, ...options.filters };
  }

  run(): string {
    try {
      return this.#block(this.#syntax.body, new Scope(new Scope(new Scope(null, globals()), this.#options.values)));
    } catch (cause) {
      if (cause instanceof RenderFault) throw new RenderError(`${capital(cause.message)}.`, this.#at);
      if (cause instanceof RangeError && /call stack/i.test(cause.message))
        throw new RenderError('The template calls itself without end.', this.#at);
      throw cause;
    }
  }

  #block(nodes: readonly Node[], scope: Scope): string {
    let text = '';
    for (const node of nodes) {
      text += this.#statement(node, scope);
      bounded(text);
    }
    return text;
  }

  #statement(node: Node, scope: Scope): string {
    switch (node.type) {
      case 'StringLiteral':
        return node.value;
      case 'Comment':
        return '';
      case 'If':
        return this.#block(this.#isTrue(node.test, scope) ? node.body : node.alternate, scope);
      case 'For':
        return this.#loop(node, scope);
      case 'Set':
        this.#set(node, scope);
        return '';
      case 'Macro':
        scope.set(node.name.value, this.#macro(node.name.value, node.args, node.body, scope));
        return '';
      case 'CallStatement': {
        const caller = this.#macro('caller', node.callerArgs ?? [], node.body, scope);
        return textOf(this.#call(node.call, scope, caller));
      }
      case 'FilterStatement':
        return textOf(this.#filter(node.filter, this.#block(node.body, new Scope(scope)), scope));
      case 'Break':
        throw new Break();
      case 'Continue':
        throw new Continue();
      default:
        return textOf(this.#used(this.#value(node, scope)));
    }
  }

  /** A value that is written, gone through or reckoned with. */
  #used(value: Value): Value {
    if (value instanceof Undefined) this.#options.onUndefined(value.name, value.place ?? this.#at);
    return value;
  }

  /** Whether a value holds: for an input that has none, that is what templates ask for. */
  #isTrue(node: Node, scope: Scope): boolean {
    const value = this.#value(node, scope);
    return isTrue(value instanceof Undefined && this.#options.known?.has(value.name) ? value : this.#used(value));
  }

  #value(node: Node, scope: Scope): Value {
    switch (node.type) {
      case 'StringLiteral':
      case 'IntegerLiteral':
        return node.value;
      case 'FloatLiteral':
        return new Float(node.value);
      case 'ArrayLiteral':
        return node.value.map((item) => this.#value(item, scope));
      case 'TupleLiteral':
        return tupleOf(...node.value.map((item) => this.#value(item, scope)));
      case 'ObjectLiteral':
        return new Map([...node.value].map(([key, value]) => [this.#key(key, scope), this.#value(value, scope)]));
      case 'Identifier': {
        const place = this.#syntax.places.get(node);
        if (place) this.#at = place;
        return orUndefined(scope.get(node.value), node.value, place);
      }
      case 'MemberExpression':
        return this.#member(node, scope);
      case 'CallExpression':
        return this.#call(node, scope);
      case 'FilterExpression':
        return this.#filter(node.filter, this.#value(node.operand, scope), scope);
      case 'TestExpression':
        return this.#test(node, scope);
      case 'Ternary':
        return this.#value(this.#isTrue(node.condition, scope) ? node.trueExpr : node.falseExpr, scope);
      case 'SelectExpression':
        return this.#isTrue(node.test, scope) ? this.#value(node.lhs, scope) : '';
      case 'UnaryExpression':
        return this.#unary(node, scope);
      case 'BinaryExpression':
        return this.#binary(node, scope);
      default:
        throw new RenderFault(`${node.type} is not expected in an expression`);
    }
  }

  #key(node: Node, scope: Scope): string {
    const key = this.#value(node, scope);
    if (typeof key !== 'string') throw new RenderFault(`the key of an object must be a text, not ${kindOf(key)}`);
    return key;
  }

  #unary({ operator, argument }: NodeOf<'UnaryExpression'>, scope: Scope): Value {
    if (operator.value === 'not') return !this.#isTrue(argument, scope);
    const value = this.#used(this.#value(argument, scope));
    if (!isNumber(value)) throw new RenderFault(`${kindOf(value)} has no sign`);
    const signed = operator.value === '-' ? -numberOf(value) : numberOf(value);
    return value instanceof Float ? new Float(signed) : signed;
  }

  #binary({ operator: { value: operator }, left, right }: NodeOf<'BinaryExpression'>, scope: Scope): Value {
    if (operator === 'and' || operator === 'or') {
      const first = this.#value(left, scope);
      const holds = isTrue(
        first instanceof Undefined && this.#options.known?.has(first.name) ? first : this.#used(first),
      );
      return holds === (operator === 'and') ? this.#value(right, scope) : first;
    }
    return operate(operator, this.#used(this.#value(left, scope)), this.#used(this.#value(right, scope)));
  }

  #test({ operand, negate, test }: NodeOf<'TestExpression'>, scope: Scope): boolean {
    const value = this.#value(operand, scope);
    this.#at = this.#syntax.places.get(test) ?? this.#at;
    const asks = test.value === 'defined' || test.value === 'undefined';
    return holds(test.value, asks ? value : this.#used(value), []) !== negate;
  }

  #filter(filter: Name | Call, operand: Value, scope: Scope): Value {
    const name = filter.type === 'Identifier' ? filter : filter.callee;
    if (name.type !== 'Identifier') throw new RenderFault('the name of a filter is expected');
    const given =
      filter.type === 'CallExpression' ? this.#arguments(filter.args, scope) : { args: [], named: new Map() };
    this.#at = this.#syntax.places.get(name) ?? this.#at;
    const test = TEST_AS_FILTER.exec(name.value);
    if (test) return holds(test[2]!, this.#used(operand), given.args) !== (test[1] !== undefined);
    const gives = name.value === 'default' || name.value === 'd';
    const apply = (other: string, value: Value, args: Arguments): Value => {
      const filter = Object.hasOwn(this.#filters, other) ? this.#filters[other] : undefined;
      if (!filter) throw new RenderFault(`there is no filter “${other}”`);
      return filter(value, args, apply);
    };
    const made = apply(name.value, gives ? operand : this.#used(operand), given);
    return typeof made === 'string' ? bounded(made) : made;
  }

  #arguments(nodes: readonly Node[], scope: Scope): Arguments {
    const args: Value[] = [];
    const named: Dict = new Map();
    for (const node of nodes) {
      if (node.type === 'SpreadExpression')
        for (const item of itemsOf(this.#value(node.argument, scope))) args.push(item);
      else if (node.type === 'KeywordArgumentExpression') named.set(node.key.value, this.#value(node.value, scope));
      else if (node.type === 'KeywordSpreadExpression') {
        const given = this.#value(node.argument, scope);
        if (!(given instanceof Map)) throw new RenderFault(`${kindOf(given)} has no named arguments`);
        for (const [key, value] of given) named.set(key, value);
      } else args.push(this.#value(node, scope));
    }
    return { args, named };
  }

  #call({ callee, args }: Call, scope: Scope, caller?: Callable): Value {
    const called = this.#value(callee, scope);
    const given = this.#arguments(args, scope);
    if (called instanceof Undefined) throw new RenderFault(`“${called.name}” is not defined, so it cannot be called`);
    if (typeof called !== 'function') throw new RenderFault(`${kindOf(called)} cannot be called`);
    if (caller) given.named.set('caller', caller);
    const made = called(given);
    return typeof made === 'string' ? bounded(made) : made;
  }

  #member({ object, property, computed }: NodeOf<'MemberExpression'>, scope: Scope): Value {
    const held = this.#value(object, scope);
    const place = this.#syntax.places.get(property) ?? this.#at;
    if (computed && property.type === 'SliceExpression') return this.#slice(held, property, scope);
    const key = computed ? this.#value(property, scope) : (property as { value: string | number }).value;
    if (held instanceof Undefined) {
      this.#options.onUndefined(held.name, held.place);
      return new Undefined(`${held.name}.${textOf(key)}`, place);
    }
    return orUndefined(attributeOf(held, key, !computed), `${nameOf(object)}${textOf(key)}`, place);
  }

  #slice(held: Value, { start, stop, step }: NodeOf<'SliceExpression'>, scope: Scope): Value {
    const whole = (node: Node | undefined): number | null => {
      const value = node ? this.#value(node, scope) : null;
      if (value === null || typeof value === 'number') return value;
      throw new RenderFault(`a place in a list is a whole number, not ${kindOf(value)}`);
    };
    const items = listOf(this.#used(held));
    const by = whole(step) ?? 1;
    if (by === 0) throw new RenderFault('the step of a part must not be 0');
    const bound = (at: number | null, otherwise: number) => {
      if (at === null) return otherwise;
      const from = at < 0 ? at + items.length : at;
      return by > 0 ? Math.min(Math.max(from, 0), items.length) : Math.min(Math.max(from, -1), items.length - 1);
    };
    const [first, last] = [
      bound(whole(start), by > 0 ? 0 : items.length - 1),
      bound(whole(stop), by > 0 ? items.length : -1),
    ];
    const part: Value[] = [];
    for (let i = first; by > 0 ? i < last : i > last; i += by) part.push(items[i]!);
    if (typeof held === 'string') return part.join('');
    return held instanceof Tuple ? tupleOf(...part) : part;
  }

  #set({ assignee, value, body }: NodeOf<'Set'>, scope: Scope): void {
    const held = value ? this.#value(value, scope) : this.#block(body, new Scope(scope));
    if (assignee.type === 'MemberExpression' && !assignee.computed) {
      const namespace = this.#value(assignee.object, scope);
      if (!(namespace instanceof Namespace)) throw new RenderFault('only attributes of a namespace can be set');
      namespace.entries.set((assignee.property as Name).value, held);
    } else this.#assign(assignee, held, scope);
  }

  #assign(target: Node, value: Value, scope: Scope): void {
    if (target.type === 'Identifier') {
      scope.set(target.value, value);
      return;
    }
    if (target.type !== 'TupleLiteral') throw new RenderFault('a name is expected where a value is set');
    const items = listOf(value);
    if (items.length !== target.value.length)
      throw new RenderFault(`${items.length} values cannot be given to ${target.value.length} names`);
    for (const [i, name] of target.value.entries()) this.#assign(name, items[i]!, scope);
  }

  #macro(name: string, parameters: readonly Node[], body: readonly Node[], around: Scope): Callable {
    return ({ args, named }) => {
      const scope = new Scope(around);
      const left = new Map(named);
      for (const [i, parameter] of parameters.entries()) {
        const [key, otherwise] =
          parameter.type === 'KeywordArgumentExpression'
            ? [parameter.key.value, parameter.value]
            : [(parameter as Name).value, null];
        const given = i < args.length ? args[i] : left.get(key);
        left.delete(key);
        const value = given === undefined && otherwise ? this.#value(otherwise, scope) : given;
        scope.set(key, orUndefined(value, key));
      }
      const uses = (word: string) => body.some((node) => mentions(node, word));
      const caller = left.get('caller');
      if (caller !== undefined) scope.set('caller', caller);
      left.delete('caller');
      if (uses('varargs')) scope.set('varargs', tupleOf(...args.slice(parameters.length)));
      else if (args.length > parameters.length)
        throw new RenderFault(`the macro “${name}” takes ${parameters.length} arguments, not ${args.length}`);
      if (uses('kwargs')) scope.set('kwargs', left);
      else if (left.size > 0) throw new RenderFault(`the macro “${name}” has no argument “${[...left.keys()][0]}”`);
      return this.#block(body, scope);
    };
  }

  #loop(node: NodeOf<'For'>, scope: Scope): string {
    const { loopvar, iterable, body, defaultBlock } = node;
    const select = iterable.type === 'SelectExpression' ? iterable : null;
    const source = this.#used(this.#value(select ? select.lhs : iterable, scope));
    const items = select
      ? listOf(source).filter((item) => {
          const inner = new Scope(scope);
          this.#assign(loopvar, item, inner);
          return this.#isTrue(select.test, inner);
        })
      : source;
    const length = lengthOf(items);
    if (length === 0) return this.#block(defaultBlock, new Scope(scope));
    const known = Array.isArray(items) || typeof items === 'string' ? listOf(items) : null;
    let [text, index, previous] = ['', 0, undefined as Value | undefined];
    let changed: Value[] | null = null;
    for (const item of known ?? itemsOf(items)) {
      const inner = new Scope(scope);
      const i = index++;
      const loop: Dict = new Map<string, Value>([
        ...Object.entries({ index: i + 1, index0: i, revindex: length - i, revindex0: length - i - 1, length }),
        ...Object.entries({ first: i === 0, last: i === length - 1, depth: 1, depth0: 0 }),
        ['previtem', orUndefined(previous, 'loop.previtem')],
        ['nextitem', orUndefined(known?.[i + 1], 'loop.nextitem')],
        ['cycle', ({ args }) => args[i % Math.max(args.length, 1)] ?? null],
        [
          'changed',
          ({ args }) => {
            const before = changed;
            changed = args;
            return before === null || !isEqual(before, args);
          },
        ],
      ]);
      inner.set('loop', loop);
      this.#assign(loopvar, item, inner);
      previous = item;
      let made = '';
      try {
        for (const statement of body) {
          made += this.#statement(statement, inner);
        }
      } catch (cause) {
        if (!(cause instanceof Break || cause instanceof Continue)) throw cause;
        text += made;
        if (cause instanceof Break) break;
        continue;
      }
      text += made;
      bounded(text);
    }
    return text;
  }
}

function bounded(text: string): string {
  if (text.length > MOST_CHARACTERS) throw new RenderFault('the prompt is longer than 4 million characters');
  return text;
}

const orUndefined = (value: Value | undefined, name: string, place?: Range): Value =>
  value === undefined ? new Undefined(name, place) : value;

const mentions = (node: Node, word: string): boolean =>
  (node.type === 'Identifier' && node.value === word) || childrenOf(node).some((child) => mentions(child, word));

const nameOf = (node: Node): string =>
  node.type === 'Identifier'
    ? `${node.value}.`
    : node.type === 'MemberExpression' && !node.computed
      ? `${nameOf(node.object)}${(node.property as Name).value}.`
      : '';

const capital = (text: string): string => text.charAt(0).toUpperCase() + text.slice(1);
