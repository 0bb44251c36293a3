// The API browser: lists the operations of the description, sends them as whoever is signed in, and writes each as a curl command.
'use strict'

const $ = (id) => document.getElementById(id)
const texts = JSON.parse($('texts').textContent)
const say = (key, values = {}) => texts[key].replace(/\{(\w+)\}/g, (_, name) => values[name])

/** make builds an element; children may be texts. */
function make(tag, attributes = {}, ...children) {
  const e = document.createElement(tag)
  for (const [name, value] of Object.entries(attributes)) {
    if (typeof value === 'function') e.addEventListener(name, value)
    else if (value === true) e.setAttribute(name, '')
    else if (value !== undefined && value !== false) e.setAttribute(name, value)
  }
  e.append(...children.filter((c) => c !== undefined && c !== ''))
  return e
}

let doc
let operations = []

const resolve = (schema) => {
  while (schema?.$ref) schema = schema.$ref.slice(2).split('/').reduce((at, part) => at[part], doc)
  return schema?.allOf?.length === 1 ? { ...resolve(schema.allOf[0]), ...schema, allOf: undefined } : (schema ?? {})
}

/** example makes a body that has every writable member of a schema. */
function example(schema, depth = 0) {
  const s = resolve(schema)
  if (s.default !== undefined) return s.default
  if (s.oneOf) return depth > 4 ? {} : example(s.oneOf[0], depth + 1)
  if (s.enum) return s.enum[0]
  if (s.nullable) return null
  if (s.type === 'array') return []
  if (s.properties) {
    if (depth > 4) return {}
    return Object.fromEntries(Object.entries(s.properties).filter(([, p]) => !resolve(p).readOnly).map(([name, p]) => [name, example(p, depth + 1)]))
  }
  return { string: '', integer: 0, number: 0, boolean: false, object: {} }[s.type] ?? {}
}

function show(words) {
  const open = new Set([...$('list').querySelectorAll('details[open]')].map((d) => d.dataset.tag))
  const found = operations.filter((o) => words.every((w) => o.words.includes(w)))
  const byTag = Map.groupBy ? Map.groupBy(found, (o) => o.tag) : found.reduce((m, o) => m.set(o.tag, [...(m.get(o.tag) ?? []), o]), new Map())
  $('found').textContent = found.length ? say('found', { n: found.length }) : say('none')
  $('list').replaceChildren(...[...byTag].map(([tag, list]) => make('details', { 'data-tag': tag, open: words.length > 0 || open.has(tag) },
    make('summary', {}, tag),
    make('ul', {}, ...list.map((o) => make('li', {}, make('button', { type: 'button', 'data-id': o.id, 'aria-current': location.hash === `#${o.id}` && 'true', click: () => { location.hash = o.id } },
      make('span', { class: `method ${o.method}` }, o.method), o.path)))))))
}

function input(p) {
  const s = resolve(p.schema)
  const id = `p-${p.in}-${p.name}`
  const hint = [p.required && say('needs'), s.type === 'array' ? say('one_a_line') : s.format ?? s.type].filter(Boolean).join(', ')
  let field
  if (s.enum || s.type === 'boolean') {
    field = make('select', { id }, make('option', { value: '' }, say('any')), ...(s.enum ?? ['true', 'false']).map((v) => make('option', { value: v }, String(v))))
  } else if (s.type === 'array') field = make('textarea', { id, rows: 2 })
  else field = make('input', { id, type: s.type === 'integer' || s.type === 'number' ? 'number' : 'text', autocomplete: 'off', spellcheck: 'false' })
  field.required = Boolean(p.required)
  field.parameter = p
  return make('div', {}, make('label', { for: id }, p.name, ' ', make('span', { class: 'soft' }, hint)), field)
}

/** request gives what the form asks for. */
function request(o) {
  let path = o.path
  const query = new URLSearchParams()
  for (const f of $('operation').querySelectorAll('[id^=p-]')) {
    const { name, in: where } = f.parameter
    if (where === 'path') path = path.replace(`{${name}}`, encodeURIComponent(f.value))
    else for (const v of f.tagName === 'TEXTAREA' ? f.value.split('\n') : [f.value]) if (v !== '') query.append(name, v)
  }
  const url = `${location.origin}/api/v3${path}${query.size ? `?${query}` : ''}`
  return { url, method: o.method.toUpperCase(), body: $('body')?.value, file: $('file')?.files[0] }
}

/** quote makes one word of a shell of any text (POSIX.1-2017, Shell Command Language 2.2.2). */
const quote = (s) => `'${s.replaceAll("'", `'\\''`)}'`

function curl(o) {
  const r = request(o)
  const parts = [`curl -X ${r.method} ${quote(r.url)}`, '-H "Authorization: Bearer $TOKEN"']
  if ($('file')) parts.push(`-F ${quote(`file=@${r.file?.name ?? 'FILE'}`)}`)
  else if (r.body !== undefined) parts.push("-H 'Content-Type: application/json'", `--data-raw ${quote(r.body)}`)
  return parts.join(' \\\n  ')
}

async function send(o, event) {
  event.preventDefault()
  if (o.method === 'delete' && !confirm(say('sure'))) return
  const button = event.target.querySelector('[type=submit]')
  const r = request(o)
  const headers = {}
  const token = document.cookie.split('; ').find((c) => c.startsWith(`${document.body.dataset.csrf}=`))
  if (token) headers['X-authentik-CSRF'] = decodeURIComponent(token.slice(token.indexOf('=') + 1))
  let body
  if ($('file')) {
    body = new FormData()
    if (r.file) body.append('file', r.file)
  } else if (r.body !== undefined) {
    body = r.body
    headers['Content-Type'] = 'application/json'
  }
  button.disabled = true
  button.textContent = say('sending')
  const start = performance.now()
  const out = $('answer')
  try {
    const a = await fetch(r.url, { method: r.method, headers, body })
    let text = await a.text()
    try {
      text = JSON.stringify(JSON.parse(text), null, 2)
    } catch {
      // it is shown as it is
    }
    out.replaceChildren(make('h3', {}, say('answer')), make('p', { class: a.ok ? 'ok' : 'refused' }, say('took', { status: `${a.status} ${a.statusText}`.trim(), ms: Math.round(performance.now() - start) })),
      text ? make('pre', { tabindex: 0 }, text) : make('p', { class: 'soft' }, say('nothing')))
  } catch {
    out.replaceChildren(make('p', { class: 'refused' }, say('unreachable')))
  } finally {
    button.disabled = false
    button.textContent = say('send')
  }
}

function open() {
  const o = operations.find((x) => x.id === location.hash.slice(1))
  for (const b of $('list').querySelectorAll('button')) {
    if (b.dataset.id === o?.id) b.setAttribute('aria-current', 'true')
    else b.removeAttribute('aria-current')
  }
  $('start').hidden = Boolean(o)
  $('operation').hidden = !o
  if (!o) return
  const content = o.requestBody?.content ?? {}
  const json = content['application/json']
  const fields = (o.parameters ?? []).map(input)
  const command = make('pre', { id: 'curl', tabindex: 0 })
  const refresh = () => { command.textContent = curl(o) }
  const copied = make('span', { class: 'soft', role: 'status' })
  const copy = async () => {
    refresh()
    try {
      await navigator.clipboard.writeText(command.textContent)
      copied.textContent = say('copied')
    } catch {
      copied.textContent = say('copy_failed')
      getSelection().selectAllChildren(command)
    }
  }
  const body = json && make('textarea', { id: 'body', spellcheck: 'false' })
  if (body) body.value = JSON.stringify(example(json.schema), null, 2)
  $('operation').replaceChildren(
    make('h2', {}, make('span', { class: `method ${o.method}` }, o.method), ` /api/v3${o.path}`),
    o.description ? make('p', {}, o.description) : '',
    make('form', { submit: (e) => send(o, e), input: refresh },
      fields.length ? make('div', { class: 'fields' }, ...fields) : '',
      body ? make('div', {}, make('h3', {}, make('label', { for: 'body' }, say('body'))), body) : '',
      content['multipart/form-data'] ? make('div', {}, make('h3', {}, make('label', { for: 'file' }, say('file'))), make('input', { id: 'file', type: 'file' })) : '',
      make('div', { class: 'does' }, make('button', { type: 'submit' }, say('send')), make('button', { type: 'button', click: copy }, say('curl')), copied)),
    make('p', { class: 'soft' }, say('curl_label')), command, make('div', { id: 'answer', 'aria-live': 'polite' }))
  refresh()
  $('main').scrollTop = 0
}

async function begin() {
  try {
    const a = await fetch('/api/v3/schema/?format=json')
    doc = await a.json()
  } catch {
    $('start').textContent = say('broken')
    return
  }
  const order = ['get', 'post', 'put', 'patch', 'delete']
  operations = Object.entries(doc.paths).flatMap(([path, item]) => Object.entries(item).map(([method, o]) => ({
    ...o, path, method, id: o.operationId, tag: o.tags[0], words: `${method} ${path} ${o.operationId} ${o.description ?? ''}`.toLowerCase(),
  })))
  operations.sort((a, b) => a.tag.localeCompare(b.tag) || a.path.localeCompare(b.path) || order.indexOf(a.method) - order.indexOf(b.method))
  const find = () => show($('find').value.toLowerCase().split(/\s+/).filter(Boolean))
  $('find').addEventListener('input', find)
  addEventListener('hashchange', open)
  find()
  open()
}

begin()
