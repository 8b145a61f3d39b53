'use strict'

// One page, several phones. The server sends the whole state when the stream
// opens and then every change; the page keeps nothing that it could not lose.

const $ = (id) => document.getElementById(id)
const phones = new Map() // id to a phone's view
let bot = ''
let about = ''

function make(tag, className, text) {
  const e = document.createElement(tag)
  if (className) e.className = className
  if (text !== undefined) e.textContent = text
  return e
}

async function post(path, body) {
  const form = body instanceof FormData
  const answer = await fetch(path, {
    method: 'POST',
    headers: form ? {} : { 'Content-Type': 'application/json' },
    body: form ? body : JSON.stringify(body || {}),
  })
  if (!answer.ok) throw new Error((await answer.text()).trim() || answer.statusText)
}

const clock = new Intl.DateTimeFormat('ru', { hour: '2-digit', minute: '2-digit' })
const day = new Intl.DateTimeFormat('ru', { day: 'numeric', month: 'long' })
const exact = new Intl.DateTimeFormat('ru', { hour: '2-digit', minute: '2-digit', second: '2-digit', fractionalSecondDigits: 3 })
const faceColours = ['#5a7d9a', '#8a6d9b', '#a0714f', '#4f8a7b', '#9a5a68', '#6d7f45', '#5f6f9f', '#87714a']

class Phone {
  constructor(view) {
    this.id = view.id
    this.root = $('phone-template').content.firstElementChild.cloneNode(true)
    this.root.dataset.testid = 'phone-' + view.id
    this.messages = this.find('.messages')
    this.list = this.find('.list')
    this.text = this.find('textarea')
    this.groups = new Map() // message id to its group
    this.views = new Map() // message id to what was last drawn
    this.files = []
    this.unread = 0
    this.listen()
    this.update(view)
    for (const m of view.messages || []) this.show(m, false)
    this.drawAbout()
  }

  find(selector) { return this.root.querySelector(selector) }
  path(deed) { return `/phone/${this.id}/${deed}` }

  async act(deed, body) {
    try {
      await post(this.path(deed), body)
      return true
    } catch (e) {
      this.toast(e.message === 'Failed to fetch' ? 'Нет связи с эмулятором.' : e.message)
      return false
    }
  }

  listen() {
    this.find('.composer').addEventListener('submit', (e) => { e.preventDefault(); this.send() })
    this.text.addEventListener('keydown', (e) => {
      if (e.key === 'Enter' && !e.shiftKey && !e.isComposing) { e.preventDefault(); this.send() }
    })
    this.text.addEventListener('input', () => this.grow())
    this.text.addEventListener('paste', (e) => {
      if (e.clipboardData.files.length) { e.preventDefault(); this.attach(e.clipboardData.files) }
    })
    const picker = this.find('.attach input')
    picker.addEventListener('change', () => { this.attach(picker.files); picker.value = '' })
    for (const b of this.root.querySelectorAll('[data-act]')) {
      b.addEventListener('click', () => {
        this.find('.more').open = false
        this.act(b.dataset.act, { on: true })
      })
    }
    this.find('.unblock').addEventListener('click', () => this.act('block', { on: false }))
    this.find('.start').addEventListener('click', () => this.act('start', {}))
    this.find('.alert button').addEventListener('click', () => { this.find('.alert').hidden = true })
    this.find('.down').addEventListener('click', () => this.bottom())
    // Only a person leaves the end; what grows or shrinks keeps it in sight.
    let touched = -1000
    for (const event of ['wheel', 'touchmove', 'pointerdown', 'keydown']) {
      this.messages.addEventListener(event, (e) => {
        const moves = event === 'wheel' || event === 'touchmove' || e.target === this.messages // the scroll bar, the keys
        if (moves) touched = performance.now()
      }, { passive: true })
    }
    this.messages.addEventListener('scroll', () => {
      if (this.atBottom()) this.read()
      else if (performance.now() - touched < 1000) {
        touched = performance.now()
        this.stuck = false
      }
    })
    const follow = new ResizeObserver(() => { if (this.stuck) this.bottom() })
    follow.observe(this.messages)
    follow.observe(this.list)
    this.stuck = true

    let depth = 0
    const drop = this.find('.drop')
    this.root.addEventListener('dragenter', (e) => {
      if (![...e.dataTransfer.types].includes('Files')) return
      depth++
      drop.hidden = false
    })
    this.root.addEventListener('dragleave', () => { if (depth > 0 && --depth === 0) drop.hidden = true })
    this.root.addEventListener('dragover', (e) => e.preventDefault())
    this.root.addEventListener('drop', (e) => {
      e.preventDefault()
      depth = 0
      drop.hidden = true
      this.attach(e.dataTransfer.files)
    })
  }

  update(view) {
    this.view = view
    this.find('.who h2').textContent = view.name
    this.root.setAttribute('aria-label', 'Телефон: ' + view.name)
    const face = this.find('.face')
    face.textContent = (view.name.match(/[\p{L}\d]+/gu) || ['?']).slice(0, 2).map((w) => w[0]).join('').toUpperCase()
    face.style.background = faceColours[Math.abs(view.id) % faceColours.length]
    this.state()
    this.text.setAttribute('aria-label', 'Сообщение от: ' + view.name)
    this.find('.composer').hidden = view.blocked || !view.started
    this.find('.start').hidden = view.blocked || view.started
    this.find('.unblock').hidden = !view.blocked
    this.find('[data-act=block]').hidden = view.blocked
    const menu = this.find('.commands .menu')
    menu.replaceChildren(...view.commands.map((c) => {
      const b = make('button', '', '/' + c.command)
      b.type = 'button'
      b.append(make('small', '', c.description))
      b.addEventListener('click', () => {
        this.find('.commands').open = false
        this.act('say', { text: '/' + c.command })
      })
      return b
    }))
    if (!view.commands.length) menu.append(make('p', '', 'Бот не назвал команд.'))
    const keys = this.find('.keys')
    keys.hidden = !view.keyboard
    keys.replaceChildren(...(view.keyboard || []).map((row) => {
      const r = make('div', 'row')
      for (const k of row) {
        const b = make('button', '', k.text)
        b.type = 'button'
        b.addEventListener('click', () => (k.request_contact ? this.act('contact', {}) : this.act('say', { text: k.text })))
        r.append(b)
      }
      return r
    }))
  }

  state(busy) {
    const s = this.find('.state')
    clearTimeout(this.busyTimer)
    s.classList.toggle('busy', Boolean(busy))
    s.textContent = busy || (this.view.blocked ? 'бот заблокирован' : 'чат с ботом')
    if (busy) this.busyTimer = setTimeout(() => this.state(), 5000)
  }

  drawAbout() {
    const old = this.find('.about')
    if (old) old.remove()
    if (this.groups.size) return
    this.list.prepend(make('p', 'about', about || 'Нажмите «Запустить», чтобы начать разговор с ботом.'))
  }

  atBottom() { return this.messages.scrollHeight - this.messages.scrollTop - this.messages.clientHeight < 60 }
  bottom() { this.messages.scrollTop = this.messages.scrollHeight; this.read() }
  read() {
    this.unread = 0
    this.stuck = true
    this.find('.down').hidden = true
    this.find('.down span').textContent = ''
  }

  // show draws a message, or draws it anew, or takes it away.
  show(m, live) {
    const stay = this.stuck
    const known = this.groups.get(m.id)
    if (m.deleted) {
      if (known) this.remove(m.id, known)
      return
    }
    this.views.set(m.id, m)
    if (known) {
      this.draw(known)
    } else {
      this.add(m, live)
      if (live && m.bot) this.state()
    }
    if (stay || !m.bot) this.bottom()
    else if (live && !known) {
      this.unread++
      this.find('.down').hidden = false
      this.find('.down span').textContent = this.unread
    }
  }

  add(m, live) {
    const about = this.find('.about')
    if (about) about.remove()
    const last = this.last
    let group = m.album && last && last.album === m.album ? last : null
    if (!group) {
      const date = day.format(m.date * 1000)
      if (date !== this.day) {
        this.day = date
        this.list.append(make('div', 'day', date))
      }
      group = { album: m.album, ids: [], root: make('div', 'group') }
      if (live) group.root.classList.add('fresh')
      if (!m.bot) group.root.classList.add('mine')
      this.list.append(group.root)
      this.last = group
    }
    group.ids.push(m.id)
    this.groups.set(m.id, group)
    this.draw(group)
  }

  remove(id, group) {
    group.ids = group.ids.filter((x) => x !== id)
    this.groups.delete(id)
    this.views.delete(id)
    if (group.ids.length) this.draw(group)
    else {
      group.root.remove()
      if (this.last === group) this.last = null
    }
  }

  // draw fills a group: the parts of an album, or one message with its buttons.
  draw(group) {
    const all = group.ids.map((id) => this.views.get(id))
    const newest = all[all.length - 1]
    const bubble = make('div', 'bubble')
    const photos = all.every((m) => m.file && m.file.photo)
    if (photos) bubble.classList.add('pictured')
    if (newest.file && !newest.file.photo && !newest.html) bubble.classList.add('filed')
    if (newest.reply) bubble.append(make('div', 'reply', newest.reply))
    const parts = make('div', 'parts')
    if (photos && all.length > 1) parts.classList.add('photos')
    let texts = []
    for (const m of all) {
      const part = make('div', 'part')
      part.dataset.message = m.id
      part.dataset.testid = 'message-' + m.id
      if (m.file) part.append(m.file.photo ? this.photo(m) : this.document(m))
      if (m.other) part.append(make('div', 'other', m.other))
      if (m.html) {
        const text = make('div', 'text')
        text.innerHTML = m.html // escaped by the server, which knows only Telegram's tags
        this.enliven(text)
        if (photos && all.length > 1) texts.push(text)
        else part.append(text)
      }
      parts.append(part)
    }
    bubble.append(parts, ...texts)
    const meta = make('span', 'meta', clock.format(newest.date * 1000))
    if (newest.edited) meta.prepend('изменено · ')
    if (newest.pinned) meta.prepend('закреплено · ')
    const inner = parts.querySelector('.part:last-child > .text:last-child')
    if (inner && !texts.length) inner.append(meta)
    else if (texts.length) texts[texts.length - 1].append(meta)
    else bubble.append(meta)
    group.root.replaceChildren(bubble)
    group.root.classList.toggle('keyed', Boolean(newest.buttons))
    if (newest.buttons) group.root.append(this.buttons(newest))
  }

  photo(m) {
    const b = make('button', 'photo')
    b.type = 'button'
    b.setAttribute('aria-label', 'Открыть фото')
    const img = make('img')
    img.src = m.file.url
    img.alt = 'Фото'
    img.width = m.file.width
    img.height = m.file.height
    img.style.aspectRatio = `${m.file.width} / ${m.file.height}`
    img.style.height = 'auto'
    b.append(img)
    b.addEventListener('click', () => {
      $('view-image').src = m.file.url
      $('view-save').href = m.file.url + '&save=1'
      $('view').showModal()
    })
    return b
  }

  document(m) {
    const a = make('a', 'doc')
    a.href = m.file.url
    a.download = m.file.name
    a.dataset.testid = 'document'
    a.title = 'Скачать'
    const sheet = make('span', 'sheet', m.file.kind.slice(0, 4))
    sheet.dataset.kind = m.file.kind
    sheet.setAttribute('aria-hidden', 'true')
    const name = make('span')
    name.append(make('b', '', m.file.name), make('small', '', m.file.size))
    a.append(sheet, name)
    return a
  }

  buttons(m) {
    const rows = make('div', 'rows')
    for (const row of m.buttons) {
      const r = make('div', 'row')
      for (const view of row) {
        const b = make('button', view.style || '', view.text)
        b.type = 'button'
        if (view.url && view.start === undefined) b.dataset.link = ''
        b.addEventListener('click', () => this.press(m, view, b))
        r.append(b)
      }
      rows.append(r)
    }
    return rows
  }

  async press(m, view, b) {
    if (view.start !== undefined) return this.act('start', { payload: view.start })
    if (view.url) return window.open(absolute(view.url), '_blank', 'noopener')
    if (!view.data) return this.toast('Такую кнопку эмулятор не играет.')
    b.classList.add('waiting')
    setTimeout(() => b.classList.remove('waiting'), 15000)
    if (!await this.act('press', { message: m.id, data: view.data })) b.classList.remove('waiting')
  }

  answered() {
    for (const b of this.root.querySelectorAll('.waiting')) b.classList.remove('waiting')
  }

  // enliven makes links and commands of a text work.
  enliven(text) {
    const walker = document.createTreeWalker(text, NodeFilter.SHOW_TEXT)
    const nodes = []
    while (walker.nextNode()) if (!walker.currentNode.parentElement.closest('a, code, pre')) nodes.push(walker.currentNode)
    const found = /https?:\/\/[^\s<>«»"]+[^\s<>«»".,;:!?)\]]|\bt\.me\/[\w?=/-]+|(?<=^|\s)\/[a-z][a-z0-9_]*/gi
    for (const node of nodes) {
      const pieces = []
      let at = 0
      for (const hit of node.data.matchAll(found)) {
        pieces.push(node.data.slice(at, hit.index))
        at = hit.index + hit[0].length
        if (hit[0][0] === '/') {
          const b = make('button', 'command', hit[0])
          b.type = 'button'
          b.addEventListener('click', () => this.act('say', { text: hit[0] }))
          pieces.push(b)
        } else {
          const a = make('a', '', hit[0])
          a.href = absolute(hit[0])
          pieces.push(a)
        }
      }
      if (pieces.length) node.replaceWith(...pieces, node.data.slice(at))
    }
    for (const a of text.querySelectorAll('a')) {
      const address = absolute(a.getAttribute('href'))
      a.href = address
      const start = address.match(/^https?:\/\/t\.me\/(\w+)(?:\?start=([\w-]*))?$/)
      if (start && start[1] === bot) {
        a.addEventListener('click', (e) => { e.preventDefault(); this.act('start', { payload: start[2] || '' }) })
      } else {
        a.target = '_blank'
        a.rel = 'noopener noreferrer'
      }
    }
  }

  toast(text) {
    const t = this.find('.toast')
    t.textContent = text
    t.hidden = false
    clearTimeout(this.toastTimer)
    this.toastTimer = setTimeout(() => { t.hidden = true }, 5000)
  }

  alert(text) {
    const a = this.find('.alert')
    a.querySelector('p').textContent = text
    a.hidden = false
    a.querySelector('button').focus()
  }

  attach(list) {
    this.files.push(...list)
    this.drawTray()
    this.text.focus()
  }

  drawTray() {
    const tray = this.find('.tray')
    tray.hidden = !this.files.length
    this.find('.photo-toggle').hidden = !this.files.some((f) => f.type.startsWith('image/'))
    tray.querySelector('ul').replaceChildren(...this.files.map((f, i) => {
      const li = make('li')
      const b = make('button', '', '✕')
      b.type = 'button'
      b.setAttribute('aria-label', 'Убрать ' + f.name)
      b.addEventListener('click', () => { this.files.splice(i, 1); this.drawTray() })
      li.append(make('span', '', f.name), make('small', '', size(f.size)), b)
      return li
    }))
  }

  grow() {
    this.text.style.height = 'auto'
    this.text.style.height = this.text.scrollHeight + 2 + 'px'
  }

  // What is typed or attached while a message is on its way belongs to the
  // next one; what could not be sent comes back.
  async send() {
    const text = this.text.value.trim()
    const files = this.files
    if (!text && !files.length) return
    this.text.value = ''
    this.files = []
    this.grow()
    this.drawTray()
    const before = this.sending
    this.sending = (async () => {
      await before
      if (!files.length) return this.act('say', { text })
      const form = new FormData()
      form.append('photos', this.find('.photo-toggle input').checked ? '1' : '0')
      form.append('caption', text)
      for (const f of files) form.append('file', f, f.name)
      return this.act('files', form)
    })()
    if (await this.sending) return
    this.text.value = [text, this.text.value].filter(Boolean).join('\n')
    this.files = [...files, ...this.files]
    this.grow()
    this.drawTray()
  }
}

function absolute(address) {
  return /^[a-z][a-z0-9+.-]*:/i.test(address) ? address : 'https://' + address
}

function size(bytes) {
  if (bytes < 1024) return bytes + ' Б'
  if (bytes < 1 << 20) return Math.round(bytes / 1024) + ' КБ'
  return (bytes / (1 << 20)).toFixed(1).replace('.', ',') + ' МБ'
}

function addPhone(view) {
  const p = new Phone(view)
  phones.set(view.id, p)
  $('phones').append(p.root)
  const tab = make('button', '', view.name)
  tab.type = 'button'
  tab.addEventListener('click', () => p.root.scrollIntoView({ inline: 'center', block: 'nearest' }))
  $('tabs').append(tab)
  watch.observe(p.root)
  p.tab = tab
  p.bottom()
}

const watch = new IntersectionObserver((seen) => {
  for (const s of seen) {
    for (const p of phones.values()) if (p.root === s.target) p.tab.setAttribute('aria-current', String(s.isIntersecting))
  }
}, { threshold: 0.6 })

function addCall(c) {
  const row = make('tr', c.outcome === 'ok' ? '' : 'bad')
  const phone = phones.get(c.chat)
  row.append(
    make('td', '', exact.format(c.at)), make('td', 'num', c.took.toFixed(1).replace('.', ',')), make('td', '', c.method),
    make('td', '', phone ? phone.view.name : c.chat || ''), make('td', '', c.outcome),
  )
  const calls = $('calls')
  calls.prepend(row)
  while (calls.rows.length > 200) calls.lastElementChild.remove()
}

function showFaults(f) {
  document.querySelector('[data-fault=offline]').setAttribute('aria-pressed', String(f.offline))
  $('clear').textContent = f.count ? `Всё исправно (снять: ${f.count})` : 'Всё исправно'
}

// Scrolling and drafts survive a reconnection: only what differs is drawn.
function restore(state) {
  bot = state.bot
  about = state.about
  $('bot').textContent = '@' + bot
  document.title = 'Телефоны · @' + bot
  const kept = new Map()
  for (const [id, p] of phones) kept.set(id, { text: p.text.value, files: p.files, top: p.stuck ? null : p.messages.scrollTop })
  phones.clear()
  watch.disconnect()
  $('phones').replaceChildren()
  $('tabs').replaceChildren()
  for (const view of state.phones) {
    addPhone(view)
    const old = kept.get(view.id)
    if (!old) continue
    const p = phones.get(view.id)
    p.text.value = old.text
    p.files = old.files
    p.drawTray()
    p.grow()
    if (old.top !== null) {
      p.stuck = false
      p.messages.scrollTop = old.top
    }
  }
  if (!state.phones.length) $('phones').append(make('p', 'empty', 'Телефонов пока нет.'))
  $('calls').replaceChildren()
  for (const c of state.calls) addCall(c)
  showFaults(state.faults)
}

function connect() {
  const stream = new EventSource('/phone/events')
  const link = $('link')
  stream.onerror = () => { link.textContent = 'нет связи с эмулятором, повторяем'; link.classList.remove('on') }
  const on = (event, take) => stream.addEventListener(event, (e) => take(JSON.parse(e.data)))
  const inChat = (event, take) => on(event, (e) => { const p = phones.get(e.chat); if (p) take(p, e) })
  on('state', (s) => {
    restore(s)
    link.textContent = 'на связи'
    link.classList.add('on')
  })
  on('phone', (v) => {
    const p = phones.get(v.id)
    if (p) return p.update(v)
    const empty = document.querySelector('.empty')
    if (empty) empty.remove()
    addPhone(v)
    phones.get(v.id).root.scrollIntoView({ inline: 'center', block: 'nearest' })
  })
  inChat('message', (p, e) => p.show(e.message, true))
  inChat('typing', (p, e) => p.state(e.text === 'upload_document' || e.text === 'upload_photo' ? 'бот отправляет файл…' : 'бот печатает…'))
  inChat('toast', (p, e) => (e.alert ? p.alert(e.text) : p.toast(e.text)))
  inChat('answered', (p) => p.answered())
  on('call', addCall)
  on('faults', showFaults)
}

function openLog(open) {
  $('log').hidden = !open
  $('log-toggle').setAttribute('aria-expanded', String(open))
}

$('log-toggle').addEventListener('click', () => openLog($('log').hidden))
$('log-close').addEventListener('click', () => openLog(false))
for (const b of document.querySelectorAll('[data-fault]')) {
  b.addEventListener('click', () => post('/phone/fault', { kind: b.dataset.fault }).catch(() => {}))
}
$('add').addEventListener('click', () => { $('add-name').value = ''; $('add-dialog').showModal() })
$('add-cancel').addEventListener('click', () => $('add-dialog').close())
$('add-form').addEventListener('submit', () => {
  post('/phone/new', { name: $('add-name').value }).catch((e) => window.alert(e.message))
})
$('view').addEventListener('click', (e) => { if (e.target.tagName !== 'IMG' && !e.target.classList.contains('save')) $('view').close() })
document.addEventListener('click', (e) => {
  for (const d of document.querySelectorAll('details[open]')) if (!d.contains(e.target)) d.open = false
})
document.addEventListener('keydown', (e) => {
  if (e.key === 'Escape') for (const d of document.querySelectorAll('details[open]')) d.open = false
})
connect()
