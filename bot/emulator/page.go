package emulator

import (
	"embed"
	"encoding/json"
	"errors"
	"io"
	"net/http"
	"net/url"
	"path"
	"reflect"
	"slices"
	"strconv"
	"strings"
	"time"
	"unicode/utf8"
)

//go:embed page
var pageFiles embed.FS

const (
	// shownMessages is how many of the newest messages of a chat a page gets
	// when it connects.
	shownMessages = 200
	// shownCalls is how many of the newest calls the log keeps.
	shownCalls = 200
	// hubBuffer is how many events a page may lag behind; then it is cut off
	// and connects again, which gives it the whole state.
	hubBuffer = 4096
	// maxFromPage is what a person may send at once, in bytes.
	maxFromPage = 256 << 20
	// firstStranger is the id of the first phone that is added on the page, far
	// above those of a demo's roles.
	firstStranger = 900_000_001
)

// hub sends what changes to the open pages.
type hub struct {
	pages map[chan []byte]struct{}
}

// loggedCall is one line of the log of calls.
type loggedCall struct {
	At      int64   `json:"at"` // milliseconds of the epoch
	Method  string  `json:"method"`
	Chat    int64   `json:"chat,omitempty"`
	Outcome string  `json:"outcome"`
	Took    float64 `json:"took"` // milliseconds
}

// callLog is a ring of the newest calls.
type callLog struct {
	ring []loggedCall
	next int
}

func (l *callLog) add(c loggedCall) {
	if len(l.ring) < shownCalls {
		l.ring = append(l.ring, c)
		return
	}
	l.ring[l.next] = c
	l.next = (l.next + 1) % shownCalls
}

func (l *callLog) oldestFirst() []loggedCall {
	return append(slices.Clone(l.ring[l.next:]), l.ring[:l.next]...)
}

// record counts a call and writes it into the log.
func (s *Server) record(method string, c *call, outcome string, begun time.Time) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.counts[method]++
	s.touch()
	if method == "getUpdates" && outcome == "ok" {
		return // it would drown the others
	}
	line := loggedCall{At: begun.UnixMilli(), Method: method, Chat: c.chat(), Outcome: outcome, Took: float64(time.Since(begun).Microseconds()) / 1000}
	s.log.add(line)
	s.emit("call", line)
}

// phoneView is a phone as the page draws it.
type phoneView struct {
	ID       int64         `json:"id"`
	Name     string        `json:"name"`
	Started  bool          `json:"started"`
	Blocked  bool          `json:"blocked"`
	Commands []Command     `json:"commands"`
	Keyboard [][]keyButton `json:"keyboard,omitempty"`
	Messages []messageView `json:"messages,omitempty"`
}

// messageView is a message as the page draws it.
type messageView struct {
	ID      int            `json:"id"`
	Bot     bool           `json:"bot"`
	Date    int64          `json:"date"`
	HTML    string         `json:"html,omitempty"`
	Buttons [][]buttonView `json:"buttons,omitempty"`
	File    *fileView      `json:"file,omitempty"`
	Other   string         `json:"other,omitempty"` // a voice, a sticker, a contact, in words
	Album   string         `json:"album,omitempty"`
	Reply   string         `json:"reply,omitempty"` // first line of the message that this one answers
	Edited  bool           `json:"edited,omitempty"`
	Deleted bool           `json:"deleted,omitempty"`
	Pinned  bool           `json:"pinned,omitempty"`
}

type buttonView struct {
	Text  string  `json:"text"`
	Data  string  `json:"data,omitempty"`
	URL   string  `json:"url,omitempty"`
	Start *string `json:"start,omitempty"` // the payload of a link to this bot
	Style string  `json:"style,omitempty"`
}

type fileView struct {
	URL    string `json:"url"`
	Name   string `json:"name"`
	Size   string `json:"size"`
	Kind   string `json:"kind"`
	Photo  bool   `json:"photo,omitempty"`
	Width  int    `json:"width,omitempty"`
	Height int    `json:"height,omitempty"`
}

func (s *Server) viewMessage(c *chat, m *message) messageView {
	v := messageView{
		ID: m.MessageID, Bot: m.byBot, Date: m.Date, Album: m.MediaGroupID, Edited: m.EditDate > 0, Deleted: m.deleted, Pinned: m.pinned,
		HTML: m.seen().HTML,
	}
	if m.deleted {
		return messageView{ID: m.MessageID, Deleted: true}
	}
	switch {
	case m.Voice != nil:
		v.Other = "Голосовое сообщение, 0:03"
	case m.Sticker != nil:
		v.Other = "Стикер " + m.Sticker.Emoji
	case m.Contact != nil:
		v.Other = "Контакт: " + m.Contact.FirstName + ", " + m.Contact.PhoneNumber
	case m.file != nil:
		v.File = &fileView{
			URL:  "/phone/" + strconv.FormatInt(c.id, 10) + "/files/" + strconv.Itoa(m.MessageID) + "?v=" + m.file.unique,
			Name: m.file.name, Size: fileSize(int64(len(m.file.data))), Kind: fileKind(m.file.name),
			Photo: m.file.kind == "photos", Width: m.file.width, Height: m.file.height,
		}
	}
	if m.ReplyTo != nil {
		v.Reply, _, _ = strings.Cut(m.ReplyTo.Text+m.ReplyTo.Caption, "\n")
	}
	if m.ReplyMarkup != nil {
		for _, row := range m.ReplyMarkup.Rows {
			var views []buttonView
			for _, b := range row {
				view := buttonView{Text: b.Text, Data: b.Data, URL: b.URL, Style: b.Style}
				if payload, ok := s.startLink(b.URL); ok {
					view.Start = &payload
				}
				views = append(views, view)
			}
			v.Buttons = append(v.Buttons, views)
		}
	}
	return v
}

func (s *Server) viewPhone(p *Phone) phoneView {
	return phoneView{
		ID: p.id, Name: p.name, Started: p.chat.started, Blocked: p.chat.blocked,
		Commands: append([]Command{}, s.commandsOf(p)...), Keyboard: p.chat.keyboard,
	}
}

// emit sends an event to the open pages; the caller holds mu.
func (s *Server) emit(event string, content any) {
	if len(s.hub.pages) == 0 {
		return
	}
	raw, err := json.Marshal(content)
	if err != nil {
		panic("emulator: " + err.Error()) // our own types always encode
	}
	frame := encodeEvent(event, raw)
	for page := range s.hub.pages {
		select {
		case page <- frame:
		default:
			delete(s.hub.pages, page)
			close(page)
		}
	}
}

func encodeEvent(event string, raw []byte) []byte {
	return slices.Concat([]byte("event: "+event+"\ndata: "), raw, []byte("\n\n"))
}

type chatEvent struct {
	Chat    int64        `json:"chat"`
	Message *messageView `json:"message,omitempty"`
	Text    string       `json:"text,omitempty"`
	Alert   bool         `json:"alert,omitempty"`
}

func (s *Server) showMessage(c *chat, m *message) {
	if len(s.hub.pages) == 0 || c.phone == nil {
		return
	}
	v := s.viewMessage(c, m)
	s.emit("message", chatEvent{Chat: c.id, Message: &v})
	s.showPhone(c.phone)
}

func (s *Server) showTyping(c *chat) {
	s.emit("typing", chatEvent{Chat: c.id, Text: c.typing})
}

func (s *Server) showToast(c *chat, text string, alert bool) {
	s.emit("toast", chatEvent{Chat: c.id, Text: text, Alert: alert})
}

func (s *Server) showAnswered(c *chat) {
	s.emit("answered", chatEvent{Chat: c.id})
}

func (s *Server) showCommands() {
	for _, p := range s.phones {
		s.showPhone(p)
	}
}

// showPhone tells the pages what has changed about a phone besides messages.
func (s *Server) showPhone(p *Phone) {
	if len(s.hub.pages) == 0 {
		return
	}
	v := s.viewPhone(p)
	if p.shown == nil || !reflect.DeepEqual(*p.shown, v) {
		p.shown = &v
		s.emit("phone", v)
	}
}

// faultsView tells what is wrong at the moment.
type faultsView struct {
	Count   int  `json:"count"`
	Offline bool `json:"offline"` // until somebody clears it
}

func (s *Server) viewFaults() faultsView {
	return faultsView{len(s.faults), slices.ContainsFunc(s.faults, func(f *Fault) bool { return f.Times < 0 && f.Drop == DropBefore })}
}

func (s *Server) showFaults() { s.emit("faults", s.viewFaults()) }

// snapshot is what a page gets first.
func (s *Server) snapshot() []byte {
	state := struct {
		Bot    string       `json:"bot"`
		About  string       `json:"about"`
		Phones []phoneView  `json:"phones"`
		Calls  []loggedCall `json:"calls"`
		Faults faultsView   `json:"faults"`
	}{
		Bot: s.opt.BotName, About: s.texts["setMyDescription "], Phones: []phoneView{},
		Calls: s.log.oldestFirst(), Faults: s.viewFaults(),
	}
	for _, p := range s.phones {
		v := s.viewPhone(p)
		p.shown = nil // the pages may now know different states
		for _, m := range p.chat.messages[max(len(p.chat.messages)-shownMessages, 0):] {
			if !m.deleted {
				v.Messages = append(v.Messages, s.viewMessage(p.chat, m))
			}
		}
		state.Phones = append(state.Phones, v)
	}
	raw, err := json.Marshal(state)
	if err != nil {
		panic("emulator: " + err.Error()) // our own types always encode
	}
	return encodeEvent("state", raw)
}

func (s *Server) routePage() {
	static := func(name, kind string) http.HandlerFunc {
		return func(w http.ResponseWriter, _ *http.Request) {
			data, err := pageFiles.ReadFile(path.Join("page", name))
			if err != nil {
				http.Error(w, err.Error(), http.StatusInternalServerError)
				return
			}
			h := w.Header()
			h.Set("Content-Type", kind)
			h.Set("Cache-Control", "no-cache")
			h.Set("X-Content-Type-Options", "nosniff")
			h.Set("Content-Security-Policy", "default-src 'self'; img-src 'self' blob: data:; base-uri 'none'; form-action 'none'; frame-ancestors 'none'")
			_, _ = w.Write(data)
		}
	}
	s.mux.HandleFunc("GET /{$}", static("index.html", "text/html; charset=utf-8"))
	s.mux.HandleFunc("GET /page/style.css", static("style.css", "text/css; charset=utf-8"))
	s.mux.HandleFunc("GET /page/app.js", static("app.js", "text/javascript; charset=utf-8"))
	s.mux.HandleFunc("GET /page/icon.svg", static("icon.svg", "image/svg+xml"))
	s.mux.HandleFunc("GET /phone/events", s.serveEvents)
	s.mux.HandleFunc("GET /phone/{id}/files/{message}", s.serveChatFile)
	s.mux.HandleFunc("POST /phone/new", s.fromPage(s.pageNew))
	s.mux.HandleFunc("POST /phone/fault", s.fromPage(s.pageFault))
	for name, deed := range map[string]func(*Phone, pageRequest) error{
		"say":     pageSay,
		"start":   func(p *Phone, q pageRequest) error { p.Start(q.Payload); return nil },
		"press":   func(p *Phone, q pageRequest) error { return p.pressShown(q.Message, q.Data) },
		"block":   pageBlock,
		"voice":   func(p *Phone, _ pageRequest) error { p.SendVoice(); return nil },
		"sticker": func(p *Phone, _ pageRequest) error { p.SendSticker(); return nil },
		"contact": pageContact,
	} {
		s.mux.HandleFunc("POST /phone/{id}/"+name, s.fromPage(func(w http.ResponseWriter, r *http.Request) error {
			p, err := s.phoneOf(r)
			if err != nil {
				return err
			}
			var q pageRequest
			if err := json.NewDecoder(http.MaxBytesReader(w, r.Body, maxField)).Decode(&q); err != nil {
				return err
			}
			return deed(p, q)
		}))
	}
	s.mux.HandleFunc("POST /phone/{id}/files", s.fromPage(s.pageFiles))
}

// pageRequest is what the page says a person does.
type pageRequest struct {
	Text    string `json:"text"`
	Payload string `json:"payload"`
	Message int    `json:"message"`
	Data    string `json:"data"`
	On      bool   `json:"on"`
}

var (
	errNoPhone = errors.New("нет такого телефона")
	errForeign = errors.New("запрос с другой страницы")
)

// fromPage lets only this page act: another site open in the same browser sends
// its own Origin.
func (s *Server) fromPage(deed func(http.ResponseWriter, *http.Request) error) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		err := errForeign
		if origin, bad := url.Parse(r.Header.Get("Origin")); bad == nil && (origin.Host == "" && origin.Opaque == "" && r.Header.Get("Origin") == "" || origin.Host == r.Host) {
			err = deed(w, r)
		}
		switch {
		case err == nil:
			w.WriteHeader(http.StatusNoContent)
		case errors.Is(err, errNoPhone):
			http.Error(w, err.Error(), http.StatusNotFound)
		case errors.Is(err, errForeign):
			http.Error(w, err.Error(), http.StatusForbidden)
		default:
			http.Error(w, err.Error(), http.StatusBadRequest)
		}
	}
}

func (s *Server) phoneOf(r *http.Request) (*Phone, error) {
	id, err := strconv.ParseInt(r.PathValue("id"), 10, 64)
	if err != nil {
		return nil, errNoPhone
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if c := s.chats[id]; c != nil && c.phone != nil {
		return c.phone, nil
	}
	return nil, errNoPhone
}

func pageSay(p *Phone, q pageRequest) error {
	text := strings.TrimSpace(q.Text)
	if text == "" {
		return errors.New("пустое сообщение")
	}
	// A client cuts a long text into several messages.
	for text != "" {
		part := text
		if runes := []rune(text); len(runes) > maxText {
			part = string(runes[:maxText])
		}
		p.Say(part)
		text = text[len(part):]
	}
	return nil
}

// pageContact shares the telephone's own number.
func pageContact(p *Phone, _ pageRequest) error {
	p.s.mu.Lock()
	defer p.s.mu.Unlock()
	p.say(p.contactMessage(p.number, p.id))
	return nil
}

func pageBlock(p *Phone, q pageRequest) error {
	if q.On {
		p.Block()
	} else {
		p.Unblock()
	}
	return nil
}

// pressShown presses a button that the page shows, even if the message has
// changed since: the person saw it.
func (p *Phone) pressShown(messageID int, data string) error {
	p.s.mu.Lock()
	defer p.s.mu.Unlock()
	m := p.chat.find(messageID)
	if m == nil || !m.byBot || data == "" {
		return errors.New("нет такой кнопки")
	}
	label := "data " + data
	if m.ReplyMarkup != nil {
		for _, row := range m.ReplyMarkup.Rows {
			for _, b := range row {
				if b.Data == data {
					label = b.Text
				}
			}
		}
	}
	p.s.script.press(p.chat, label)
	p.query(m, data)
	return nil
}

// pageNew adds a stranger's phone.
func (s *Server) pageNew(w http.ResponseWriter, r *http.Request) error {
	var q struct {
		Name string `json:"name"`
	}
	if err := json.NewDecoder(http.MaxBytesReader(w, r.Body, maxField)).Decode(&q); err != nil {
		return err
	}
	name := strings.TrimSpace(q.Name)
	if name == "" || utf8.RuneCountInString(name) > 64 {
		return errors.New("имя: от 1 до 64 знаков")
	}
	s.mu.Lock()
	id := int64(firstStranger)
	for s.chats[id] != nil {
		id++
	}
	s.mu.Unlock()
	s.Phone(id, name, "ru")
	return nil
}

// pageFault makes something go wrong, or all well again.
func (s *Server) pageFault(w http.ResponseWriter, r *http.Request) error {
	var q struct {
		Kind string `json:"kind"`
	}
	if err := json.NewDecoder(http.MaxBytesReader(w, r.Body, maxField)).Decode(&q); err != nil {
		return err
	}
	switch q.Kind {
	case "offline":
		s.Inject(Fault{Times: -1, Drop: DropBefore})
		s.Inject(Fault{Method: "getUpdates", Times: -1, Drop: DropBefore})
	case "cut":
		s.Inject(Fault{Drop: DropAfter})
	case "slow":
		s.Inject(Fault{Status: http.StatusTooManyRequests, RetryAfter: 5})
	case "broken":
		s.Inject(Fault{Status: http.StatusBadGateway, Body: "<html><title>502 Bad Gateway</title></html>"})
	case "repeat":
		s.Repeat()
	case "clear":
		s.ClearFaults()
	default:
		return errors.New("нет такой неполадки")
	}
	return nil
}

// pageFiles sends what a person has picked: one message, or an album.
func (s *Server) pageFiles(w http.ResponseWriter, r *http.Request) error {
	p, err := s.phoneOf(r)
	if err != nil {
		return err
	}
	r.Body = http.MaxBytesReader(w, r.Body, maxFromPage)
	parts, err := r.MultipartReader()
	if err != nil {
		return err
	}
	var files []Attachment
	photos, caption := false, ""
	for {
		part, err := parts.NextPart()
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			return err
		}
		data, err := io.ReadAll(part)
		if err != nil {
			return err
		}
		switch part.FormName() {
		case "photos":
			photos = string(data) == "1"
		case "caption":
			caption = strings.TrimSpace(string(data))
		case "file":
			a := Attachment{Name: part.FileName(), MIME: mimeOf(part.FileName(), part.Header.Get("Content-Type")), Data: data}
			a.Photo = photos && strings.HasPrefix(a.MIME, "image/") && checkPhoto(&upload{data: data, size: int64(len(data))}) == nil
			files = append(files, a)
		}
	}
	if len(files) == 0 {
		return errors.New("нет файлов")
	}
	if utf16Len(caption) > maxCaption {
		return errors.New("подпись длиннее 1024 знаков: отправьте её отдельным сообщением")
	}
	p.SendAlbumCaption(caption, files...)
	return nil
}

// serveChatFile gives the page a file of a message: photos to look at, all else
// to download.
func (s *Server) serveChatFile(w http.ResponseWriter, r *http.Request) {
	p, err := s.phoneOf(r)
	id, bad := strconv.Atoi(r.PathValue("message"))
	if err != nil || bad != nil {
		http.NotFound(w, r)
		return
	}
	s.mu.Lock()
	m := p.chat.find(id)
	var f *file
	if m != nil && !m.deleted {
		f = m.file
	}
	s.mu.Unlock()
	if f == nil {
		http.NotFound(w, r)
		return
	}
	h := w.Header()
	h.Set("X-Content-Type-Options", "nosniff")
	h.Set("Content-Security-Policy", "sandbox")
	h.Set("Cache-Control", "private, max-age=3600")
	kind := "application/octet-stream"
	if f.kind == "photos" && r.URL.Query().Get("save") == "" {
		kind = http.DetectContentType(f.data)
		if !strings.HasPrefix(kind, "image/") {
			kind = "application/octet-stream"
		}
	} else {
		h.Set("Content-Disposition", "attachment; filename*=UTF-8''"+url.PathEscape(f.name))
	}
	h.Set("Content-Type", kind)
	_, _ = w.Write(f.data)
}

// serveEvents streams what happens to one page, the whole state first.
func (s *Server) serveEvents(w http.ResponseWriter, r *http.Request) {
	flusher, ok := w.(http.Flusher)
	if !ok {
		http.Error(w, "streaming is not possible here", http.StatusInternalServerError)
		return
	}
	h := w.Header()
	h.Set("Content-Type", "text/event-stream")
	h.Set("Cache-Control", "no-store")
	h.Set("X-Accel-Buffering", "no")
	events := make(chan []byte, hubBuffer)
	s.mu.Lock()
	first := s.snapshot()
	if s.hub.pages == nil {
		s.hub.pages = map[chan []byte]struct{}{}
	}
	s.hub.pages[events] = struct{}{}
	s.mu.Unlock()
	defer func() {
		s.mu.Lock()
		defer s.mu.Unlock()
		delete(s.hub.pages, events)
	}()
	beat := time.NewTicker(15 * time.Second)
	defer beat.Stop()
	frame := slices.Concat([]byte("retry: 1000\n"), first)
	for {
		if _, err := w.Write(frame); err != nil {
			return
		}
		flusher.Flush()
		select {
		case next, open := <-events:
			if !open {
				return
			}
			frame = next
		case <-beat.C:
			frame = []byte(": beat\n\n")
		case <-r.Context().Done():
			return
		case <-s.done.Done():
			return
		}
	}
}
