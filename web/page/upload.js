/* global tus */
'use strict'

// The page sends files in pieces. The server keeps what has come; after a lost
// connection, a closed tab or a restart of the server the rest follows.
;(() => {
  const piece = 8 << 20 // bytes of one request: what a lost one costs at most
  const leastPiece = 512 << 10 // for servers in between that take no more
  const atOnce = 3
  const patience = 5000 // ms between tries once the quick ones have failed

  const $ = (id) => document.getElementById(id)
  const words = {}
  for (const dt of document.querySelectorAll('#words dt')) words[dt.textContent] = dt.nextElementSibling.textContent
  const say = (word, facts) => words[word].replace(/\{(\w+)\}/g, (_, name) => facts[name])
  const base = location.pathname.replace(/\/$/, '')
  const most = Number(document.body.dataset.most)
  const items = []
  let ends = Infinity // performance.now() at which no file can be begun any more
  let finished = false
  let lamp = null // keeps the screen lit

  const size = (bytes) => {
    const units = ['bytes', 'kilobytes', 'megabytes', 'gigabytes']
    let n = bytes
    let unit = 0
    while (n >= 1024 && unit < units.length - 1) { n /= 1024; unit++ }
    return (unit > 1 ? n.toFixed(1).replace('.', ',') : Math.round(n)) + '\u00a0' + words[units[unit]]
  }
  const percent = (sent, all) => all ? Math.floor(sent * 100 / all) : 100
  const markOf = (file) => file.size + ' ' + file.lastModified + ' ' + file.name
  const busy = (item) => ['waiting', 'sending', 'retrying'].includes(item.state)
  const path = (item) => location.origin + base + '/files/' + item.id

  const add = (facts) => {
    const item = { sent: 0, piece, ...facts, row: $('item').content.firstElementChild.cloneNode(true) }
    item.row.querySelector('.name').textContent = item.name
    item.row.querySelector('progress').setAttribute('aria-label', item.name)
    item.row.querySelector('.drop').addEventListener('click', () => drop(item))
    item.row.querySelector('.again').addEventListener('click', () => { item.state = 'waiting'; pump() })
    $('list').append(item.row)
    items.push(item)
    return item
  }

  const draw = (item) => {
    const row = item.row
    row.className = item.state
    row.querySelector('progress').value = item.size ? item.sent / item.size : 0
    const word = item.state === 'failed' ? item.fault : item.state === 'retrying' && item.held ? 'held' : item.state
    row.querySelector('.state').textContent = item.said ||
      say(word, { sent: size(item.sent), size: size(item.size), percent: percent(item.sent, item.size), most: size(most) })
    row.querySelector('.again').hidden = !(item.state === 'failed' && ['broken', 'full'].includes(item.fault))
    row.querySelector('.drop').hidden = item.state === 'done'
    row.querySelector('.drop').textContent = item.state === 'failed' ? words.remove : words.cancel
    drawAll()
  }

  const drawAll = () => {
    const counted = items.filter((i) => i.state !== 'failed')
    const sent = counted.reduce((n, i) => n + i.sent, 0)
    const all = counted.reduce((n, i) => n + i.size, 0)
    const going = items.some(busy)
    const begun = items.some((i) => i.state === 'begun')
    const some = items.some((i) => i.state === 'done')
    $('foot').hidden = !counted.length
    const failed = items.length - counted.length
    const word = going || begun ? 'total' : failed ? 'part' : 'all'
    $('total').textContent = say(word, { sent: size(sent), size: size(all), percent: percent(sent, all), count: failed })
    $('bar').value = all ? sent / all : 0
    $('done').disabled = going || !some
    $('note').textContent = going ? words.wait : begun ? words.leave : some ? words.finish : ''
    light(going)
  }

  const light = async (on) => {
    try {
      if (on && !lamp && navigator.wakeLock && document.visibilityState === 'visible') {
        lamp = navigator.wakeLock.request('screen')
        ;(await lamp).addEventListener('release', () => { lamp = null })
      } else if (!on && lamp) {
        const lit = lamp
        lamp = null
        await (await lit).release()
      }
    } catch { lamp = null }
  }

  const choose = (list) => {
    for (const file of list) {
      const mark = markOf(file)
      let item = items.find((i) => i.mark === mark && i.state === 'begun')
      if (!item && items.some((i) => i.mark === mark && (busy(i) || i.state === 'done'))) continue
      if (!item) item = add({ name: file.name, size: file.size, mark })
      item.file = file
      item.state = 'waiting'
      if (file.size > most) fail(item, 'too_large')
      else if (!file.size) fail(item, 'empty')
      else draw(item)
    }
    pump()
  }

  const fail = (item, fault, said) => {
    item.state = 'failed'
    item.fault = fault
    item.said = said
    draw(item)
  }

  const pump = () => {
    for (const item of items) {
      if (items.filter((i) => i.state === 'sending' || i.state === 'retrying').length >= atOnce) return
      if (item.state === 'waiting') send(item)
    }
  }

  const statusOf = (err) => err.originalResponse ? err.originalResponse.getStatus() : 0
  const passing = (status) => status === 0 || status === 409 || status === 423 || status === 429 || (status >= 500 && status !== 507)

  const send = (item) => {
    item.state = 'sending'
    item.said = ''
    item.upload = new tus.Upload(item.file, {
      endpoint: location.origin + base + '/files/',
      uploadUrl: item.id ? path(item) : null,
      chunkSize: item.piece,
      retryDelays: [0, 500, 1000, 2000],
      storeFingerprintForResuming: false,
      metadata: { name: item.name, mark: item.mark },
      onShouldRetry: (err) => passing(statusOf(err)),
      onUploadUrlAvailable: () => { item.id = item.upload.url.split('/').pop() },
      onProgress: (sent) => {
        item.state = 'sending'
        item.sent = Math.min(sent, item.size)
        draw(item)
      },
      onSuccess: () => {
        item.state = 'done'
        item.sent = item.size
        draw(item)
        pump()
      },
      onError: (err) => { wrong(item, err) }
    })
    draw(item)
    item.upload.start()
  }

  const wrong = async (item, err) => {
    const status = statusOf(err)
    const asked = err.originalRequest ? err.originalRequest.getMethod() : ''
    if (status === 413 && asked === 'PATCH' && item.piece > leastPiece) {
      item.piece = leastPiece
      return send(item)
    }
    if (passing(status)) {
      item.state = 'retrying'
      item.held = status === 429
      draw(item)
      try {
        await item.file.slice(0, 1).arrayBuffer()
      } catch {
        fail(item, 'unread')
        return pump()
      }
      item.timer = setTimeout(() => retry(item), patience)
      return
    }
    switch (status) {
      case 404: case 410: fail(item, 'over'); check(); break
      case 413: fail(item, 'too_large'); break
      case 403: fail(item, 'enough'); break
      case 507: fail(item, 'full'); break
      case 422: fail(item, 'broken', err.originalResponse.getBody()); check(); break // the link may have ended with it
      default: fail(item, 'broken')
    }
    pump()
  }

  const retry = (item) => {
    clearTimeout(item.timer)
    if (item.state === 'retrying') item.upload.start()
  }
  const retryAll = () => items.forEach(retry)

  const drop = async (item) => {
    clearTimeout(item.timer)
    item.state = 'dropped'
    items.splice(items.indexOf(item), 1)
    item.row.remove()
    drawAll()
    pump()
    try {
      if (item.upload) await item.upload.abort(false)
      if (item.id) await fetch(path(item), { method: 'DELETE', headers: { 'Tus-Resumable': '1.0.0' } })
    } catch { /* the server forgets it by itself */ }
  }

  // check asks what the server has: at first, and when a file meets a link that has
  // ended.
  const check = async () => {
    let state
    try {
      const answer = await fetch(base + '/state')
      if (answer.status === 404) return over()
      if (!answer.ok) throw new Error(answer.status)
      state = await answer.json()
    } catch {
      setTimeout(check, patience)
      return
    }
    ends = performance.now() + state.left * 1000
    for (const f of state.files) {
      if (items.some((i) => i.id === f.id)) continue
      const item = add({ id: f.id, name: f.name, size: f.size, mark: f.mark })
      item.sent = f.offset
      item.state = f.done ? 'done' : 'begun'
      draw(item)
    }
    clock()
  }

  // over says that no file can be begun any more; those that were may end.
  const over = () => {
    $('choose').hidden = !items.some((i) => i.state === 'begun')
    $('over').hidden = false
    $('left').textContent = ''
  }

  const clock = () => {
    if (ends === Infinity || finished) return
    const left = ends - performance.now()
    if (left <= 0) return over()
    $('left').textContent = say('left', { minutes: Math.ceil(left / 60000) })
  }

  const finish = async () => {
    $('done').disabled = true
    try {
      const answer = await fetch(base + '/done', { method: 'POST' })
      if (answer.status === 422) {
        $('note').textContent = await answer.text()
        $('done').disabled = false
        return
      }
      if (answer.status === 404) return over()
      if (!answer.ok) throw new Error(answer.status)
    } catch {
      $('note').textContent = words.undone
      $('done').disabled = false
      return
    }
    finished = true
    const sent = items.filter((i) => i.state === 'done')
    $('count').textContent = say('count', { count: sent.length, size: size(sent.reduce((n, i) => n + i.size, 0)) })
    $('page').hidden = $('foot').hidden = true
    $('end').hidden = false
  }

  for (const id of ['files', 'camera']) {
    $(id).addEventListener('change', (e) => {
      const chosen = [...e.target.files]
      e.target.value = '' // the same file can be chosen again
      choose(chosen)
    })
  }
  $('done').addEventListener('click', finish)
  addEventListener('dragover', (e) => { e.preventDefault(); document.body.classList.add('dropping') })
  addEventListener('dragleave', (e) => { if (!e.relatedTarget) document.body.classList.remove('dropping') })
  addEventListener('drop', (e) => {
    e.preventDefault()
    document.body.classList.remove('dropping')
    if (!$('choose').hidden) choose([...e.dataTransfer.files])
  })
  addEventListener('online', retryAll)
  document.addEventListener('visibilitychange', () => {
    if (document.visibilityState !== 'visible') return
    retryAll()
    clock()
    drawAll()
  })
  addEventListener('beforeunload', (e) => { if (!finished && items.some(busy)) e.preventDefault() })
  setInterval(clock, 15000)
  check()
})()
