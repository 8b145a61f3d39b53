package emulator

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"
)

// Phone is a person with a private chat with the bot. All methods can be
// called from several goroutines.
type Phone struct {
	s        *Server
	chat     *chat
	id       int64
	name     string
	username string
	language string
	number   string // of the telephone
	toast    Toast
	shown    *phoneView // as all open pages know it, nil when that is not certain
}

// Toast is what a press of a button was answered with.
type Toast struct {
	Text  string
	Alert bool // a window that the person must close
}

// Attachment is a file that a person sends.
type Attachment struct {
	Name  string
	MIME  string // derived from the name when empty
	Data  []byte
	Photo bool // sent as a photo: without a name, in several sizes
}

// Message is a message as its person sees it.
type Message struct {
	ID        int
	Bot       bool // sent by the bot
	Text      string
	HTML      string // the text or the caption as Telegram's HTML
	Caption   string
	Buttons   [][]Button
	File      *File
	Album     string // the same in all messages of one album
	ReplyTo   int    // message id, 0 for none
	Edited    bool
	Deleted   bool
	Pinned    bool
	Protected bool
}

// Button is an inline button; it has data or a link.
type Button struct {
	Label, Data, URL string
}

// File is a file in a chat, in the size that the person would open.
type File struct {
	ID            string // file_id
	Name          string
	MIME          string
	Data          []byte // shared: read only
	Photo         bool
	Width, Height int // pixels, of photos
}

// Phone returns the person with that id, who is created at the first call; a
// later call only finds. Name is the label in the transcript and on the page.
func (s *Server) Phone(id int64, name, languageCode string) *Phone {
	s.mu.Lock()
	defer s.mu.Unlock()
	if c := s.chats[id]; c != nil && c.phone != nil {
		return c.phone
	}
	p := &Phone{s: s, id: id, name: name, language: languageCode, number: defaultNumber}
	p.chat = &chat{id: id, phone: p}
	s.chats[id] = p.chat
	s.phones = append(s.phones, p)
	s.showPhone(p)
	s.touch()
	return p
}

// ID returns the person's id, which is the id of the chat too.
func (p *Phone) ID() int64 { return p.id }

// Name returns the label of the phone.
func (p *Phone) Name() string { return p.name }

// SetUsername gives the person a user name.
func (p *Phone) SetUsername(name string) {
	p.s.mu.Lock()
	defer p.s.mu.Unlock()
	p.username = name
}

func (p *Phone) user() *user {
	return &user{ID: p.id, FirstName: p.name, Username: p.username, LanguageCode: p.language}
}

// say adds a message of the person and its update; the caller holds mu. A
// person who writes has unblocked the bot, as the client makes them.
func (p *Phone) say(m *message) int {
	if p.chat.blocked {
		p.unblock()
	}
	p.chat.started = true
	m.From = p.user()
	p.s.addMessage(p.chat, m)
	p.s.push("message", m.wireMessage)
	return m.MessageID
}

// Say sends a text and returns its message id.
func (p *Phone) Say(text string) int {
	p.s.mu.Lock()
	defer p.s.mu.Unlock()
	return p.say(&message{wireMessage: wireMessage{Text: text, Entities: commandsIn(text)}})
}

// SayReply is Say in reply to a message.
func (p *Phone) SayReply(messageID int, text string) int {
	p.s.mu.Lock()
	defer p.s.mu.Unlock()
	m := &message{wireMessage: wireMessage{Text: text, Entities: commandsIn(text)}}
	if to := p.chat.find(messageID); to != nil {
		replied := to.wireMessage
		replied.ReplyTo = nil
		m.ReplyTo = &replied
	}
	return p.say(m)
}

// Edit changes a text that the person has sent; the bot gets edited_message.
func (p *Phone) Edit(messageID int, text string) error {
	p.s.mu.Lock()
	defer p.s.mu.Unlock()
	m := p.chat.find(messageID)
	if m == nil || m.byBot || m.deleted {
		return fmt.Errorf("%s has no message %d to edit", p.name, messageID)
	}
	m.Text, m.Entities = text, commandsIn(text)
	m.EditDate = p.s.opt.Now().Unix()
	p.s.showMessage(p.chat, m)
	p.s.push("edited_message", m.wireMessage)
	return nil
}

// commandsIn finds /commands as a client marks them.
func commandsIn(text string) []entity {
	var all []entity
	at := 0
	before := ' '
	runes := []rune(text)
	for i, r := range runes {
		if r == '/' && (before == ' ' || before == '\n') {
			n := 1
			for i+n < len(runes) && (runes[i+n] < 128 && (runes[i+n] == '_' || runes[i+n] == '@' || isAlnum(runes[i+n]))) {
				n++
			}
			if n > 1 {
				all = append(all, entity{Type: "bot_command", Offset: at, Length: n})
			}
		}
		before = r
		at += utf16Len(string(r))
	}
	return all
}

func isAlnum(r rune) bool {
	return r >= '0' && r <= '9' || r >= 'a' && r <= 'z' || r >= 'A' && r <= 'Z'
}

// Start presses the start button, or opens t.me/BOT?start=payload.
func (p *Phone) Start(payload string) int {
	return p.Say(strings.TrimSpace("/start " + payload))
}

// Press presses the newest visible inline button with the label: one that is
// exactly so, else one that starts so and goes on with " ·" or " (". A link to
// the bot with a start payload is opened, a key of a reply keyboard says its
// text or shares the person's contact.
func (p *Phone) Press(label string) error {
	p.s.mu.Lock()
	defer p.s.mu.Unlock()
	for _, exact := range []bool{true, false} {
		for _, m := range slices.Backward(p.chat.messages) {
			if m.deleted || m.ReplyMarkup == nil {
				continue
			}
			if b := findButton(m, label, exact); b != nil {
				return p.press(m, *b)
			}
		}
		for _, row := range p.chat.keyboard {
			for _, k := range row {
				if fitsLabel(k.Text, label, exact) {
					p.key(k)
					return nil
				}
			}
		}
	}
	return fmt.Errorf("%s sees no button %q; the last message: %s", p.name, label, p.lastSummary())
}

// key presses a key of the reply keyboard; the caller holds mu.
func (p *Phone) key(k keyButton) {
	if k.Contact {
		p.s.script.press(p.chat, k.Text)
		p.say(p.contactMessage(p.number, p.id))
		return
	}
	p.say(&message{wireMessage: wireMessage{Text: k.Text, Entities: commandsIn(k.Text)}})
}

// lastSummary helps whoever reads a failed test.
func (p *Phone) lastSummary() string {
	for _, m := range slices.Backward(p.chat.messages) {
		if m.deleted || !m.byBot {
			continue
		}
		return m.summary() + fmt.Sprintf(" %q", m.seen().Labels())
	}
	return "none"
}

func fitsLabel(text, label string, exact bool) bool {
	if exact {
		return text == label
	}
	return strings.HasPrefix(text, label+" ·") || strings.HasPrefix(text, label+" (")
}

func findButton(m *message, label string, exact bool) *inlineButton {
	for _, row := range m.ReplyMarkup.Rows {
		for i := range row {
			if fitsLabel(row[i].Text, label, exact) {
				return &row[i]
			}
		}
	}
	return nil
}

// press does what the button does; the caller holds mu.
func (p *Phone) press(m *message, b inlineButton) error {
	switch {
	case b.Data != "":
		p.s.script.press(p.chat, b.Text)
		p.query(m, b.Data)
		return nil
	case b.URL != "":
		payload, ok := p.s.startLink(b.URL)
		if !ok {
			return fmt.Errorf("button %q opens %s", b.Text, b.URL)
		}
		p.start(payload)
		return nil
	}
	return fmt.Errorf("button %q does what the emulator does not play", b.Text)
}

func (p *Phone) start(payload string) {
	text := strings.TrimSpace("/start " + payload)
	p.say(&message{wireMessage: wireMessage{Text: text, Entities: commandsIn(text)}})
}

// startLink takes the payload out of a link to this bot.
func (s *Server) startLink(address string) (string, bool) {
	for _, head := range []string{"https://t.me/", "http://t.me/", "t.me/"} {
		rest, ok := strings.CutPrefix(address, head+s.opt.BotName)
		if !ok {
			continue
		}
		if rest == "" {
			return "", true
		}
		return strings.CutPrefix(rest, "?start=")
	}
	return "", false
}

// query makes the callback query of a press; the caller holds mu.
func (p *Phone) query(m *message, data string) {
	s := p.s
	now := s.opt.Now()
	for len(s.queryAge) > 0 && now.Sub(s.queries[s.queryAge[0]].at) > callbackLife {
		delete(s.queries, s.queryAge[0])
		s.queryAge = s.queryAge[1:]
	}
	id := strconv.FormatInt(p.id<<32|s.inbox.next, 10)
	for s.queries[id] != nil {
		id += "0" // the number did not grow: the bot asked for no presses
	}
	s.queries[id] = &query{chat: p.chat, at: now}
	s.queryAge = append(s.queryAge, id)
	q := callbackQuery{ID: id, From: p.user(), ChatInstance: strconv.FormatInt(p.id*7919, 10), Data: data}
	if m != nil {
		seen := m.wireMessage
		if m.deleted {
			// A message that is gone comes as an InaccessibleMessage: date 0.
			seen = wireMessage{MessageID: m.MessageID, Chat: p.chat.wire()}
		}
		q.Message = &seen
	}
	s.push("callback_query", q)
}

// PressData presses a button with forged or old data that stands under the
// newest message of the bot.
func (p *Phone) PressData(data string) {
	p.s.mu.Lock()
	defer p.s.mu.Unlock()
	var under *message
	for _, m := range slices.Backward(p.chat.messages) {
		if m.byBot && !m.deleted {
			under = m
			break
		}
	}
	p.s.script.press(p.chat, "data "+data)
	p.query(under, data)
}

// PressMessage presses a button of one message, which may be old: a screen that
// was not refreshed still shows it. The label is matched as in Press.
func (p *Phone) PressMessage(messageID int, label string) error {
	p.s.mu.Lock()
	defer p.s.mu.Unlock()
	m := p.chat.find(messageID)
	if m == nil || m.ReplyMarkup == nil {
		return fmt.Errorf("%s sees no buttons under message %d", p.name, messageID)
	}
	for _, exact := range []bool{true, false} {
		if b := findButton(m, label, exact); b != nil {
			return p.press(m, *b)
		}
	}
	return fmt.Errorf("%s sees no button %q under message %d", p.name, label, messageID)
}

// PressOld sends the press of a button that a message once had: the data is
// the caller's, the message is the one named, deleted or not.
func (p *Phone) PressOld(messageID int, data string) error {
	p.s.mu.Lock()
	defer p.s.mu.Unlock()
	m := p.chat.find(messageID)
	if m == nil {
		return fmt.Errorf("%s has no message %d", p.name, messageID)
	}
	p.s.script.press(p.chat, "data "+data)
	p.query(m, data)
	return nil
}

// SendDocument sends a file and returns its message id.
func (p *Phone) SendDocument(name, mime string, data []byte, caption string) int {
	p.s.mu.Lock()
	defer p.s.mu.Unlock()
	return p.say(p.documentMessage(Attachment{Name: name, MIME: mime, Data: data}, caption))
}

func (p *Phone) documentMessage(a Attachment, caption string) *message {
	if a.MIME == "" {
		a.MIME = mimeOf(a.Name, "")
	}
	f := p.s.files.add("documents", a.Name, a.MIME, a.Data)
	return &message{file: f, wireMessage: wireMessage{Document: f.document(), Caption: caption}}
}

// SendPhoto sends a picture as a photo and returns its message id. The bot gets
// it in several sizes, without a name, as JPEG.
func (p *Phone) SendPhoto(data []byte, caption string) int {
	p.s.mu.Lock()
	defer p.s.mu.Unlock()
	return p.say(p.photoMessage(data, caption))
}

func (p *Phone) photoMessage(data []byte, caption string) *message {
	f, sizes := p.s.files.addPhoto(data)
	return &message{file: f, wireMessage: wireMessage{Photo: sizes, Caption: caption}}
}

// maxAlbum is the number of items in an album. Source: Telegram Bot API,
// sendMediaGroup.
const maxAlbum = 10

// SendAlbum sends files together and returns the message ids. As in a client,
// photos and documents make albums of their own, of ten items at most; each
// item is a message and an update, and nothing tells which is the last.
func (p *Phone) SendAlbum(files ...Attachment) []int {
	return p.SendAlbumCaption("", files...)
}

// SendAlbumCaption is SendAlbum with a text under the first item.
func (p *Phone) SendAlbumCaption(caption string, files ...Attachment) []int {
	p.s.mu.Lock()
	defer p.s.mu.Unlock()
	var ids []int
	group, count := "", 0
	for i, a := range files {
		if i == 0 || a.Photo != files[i-1].Photo || count == maxAlbum {
			group, count = p.s.newAlbum(), 0
		}
		count++
		m := p.documentMessageOrPhoto(a, caption)
		caption = ""
		if len(files) > 1 {
			m.MediaGroupID = group
		}
		ids = append(ids, p.say(m))
	}
	return ids
}

func (p *Phone) documentMessageOrPhoto(a Attachment, caption string) *message {
	if a.Photo {
		return p.photoMessage(a.Data, caption)
	}
	return p.documentMessage(a, caption)
}

// SendVoice sends a voice message.
func (p *Phone) SendVoice() int {
	p.s.mu.Lock()
	defer p.s.mu.Unlock()
	f := p.s.files.add("voice", "voice.oga", "audio/ogg", []byte("OggS voice"))
	v := &voice{FileID: f.id, FileUniqueID: f.unique, Duration: 3, MimeType: f.mime, FileSize: int64(len(f.data))}
	return p.say(&message{file: f, wireMessage: wireMessage{Voice: v}})
}

// SendSticker sends a sticker.
func (p *Phone) SendSticker() int {
	p.s.mu.Lock()
	defer p.s.mu.Unlock()
	f := p.s.files.add("stickers", "sticker.webp", "image/webp", []byte("RIFF sticker"))
	st := &sticker{FileID: f.id, FileUniqueID: f.unique, Type: "regular", Width: 512, Height: 512, Emoji: "👍", FileSize: int64(len(f.data))}
	return p.say(&message{file: f, wireMessage: wireMessage{Sticker: st}})
}

// defaultNumber is the number of telephones that were given none.
const defaultNumber = "+7 900 000-00-00"

// SetNumber gives the telephone its number.
func (p *Phone) SetNumber(number string) {
	p.s.mu.Lock()
	defer p.s.mu.Unlock()
	p.number = number
}

// SendContact shares the person's own telephone number.
func (p *Phone) SendContact(number string) int {
	p.s.mu.Lock()
	defer p.s.mu.Unlock()
	return p.say(p.contactMessage(number, p.id))
}

// SendContactOf shares the contact of another person; owner 0 is one whom the
// messenger does not know.
func (p *Phone) SendContactOf(number string, owner int64) int {
	p.s.mu.Lock()
	defer p.s.mu.Unlock()
	return p.say(p.contactMessage(number, owner))
}

func (p *Phone) contactMessage(number string, owner int64) *message {
	return &message{wireMessage: wireMessage{Contact: &contact{PhoneNumber: number, FirstName: p.name, UserID: owner}}}
}

// Keys returns the words of the reply keyboard that the person sees.
func (p *Phone) Keys() []string {
	p.s.mu.Lock()
	defer p.s.mu.Unlock()
	var all []string
	for _, row := range p.chat.keyboard {
		for _, k := range row {
			all = append(all, k.Text)
		}
	}
	return all
}

// Block blocks the bot: its calls to this chat get 403 from now on.
func (p *Phone) Block() {
	p.s.mu.Lock()
	defer p.s.mu.Unlock()
	if p.chat.blocked {
		return
	}
	p.chat.blocked = true
	p.s.pushMember(p.chat, p.user(), "member", "kicked")
	p.s.showPhone(p)
}

// Unblock undoes Block.
func (p *Phone) Unblock() {
	p.s.mu.Lock()
	defer p.s.mu.Unlock()
	if p.chat.blocked {
		p.unblock()
	}
}

func (p *Phone) unblock() {
	p.chat.blocked = false
	p.s.pushMember(p.chat, p.user(), "kicked", "member")
	p.s.showPhone(p)
}

// pushMember tells the bot of its own place in a chat.
func (s *Server) pushMember(c *chat, by *user, from, to string) {
	bot := s.bot
	member := func(status string) chatMember {
		m := chatMember{Status: status, User: &bot}
		if status == "kicked" {
			m.Until = new(int64)
		}
		return m
	}
	s.push("my_chat_member", memberUpdate{
		Chat: c.wire(), From: by, Date: s.opt.Now().Unix(), Old: member(from), New: member(to),
	})
}

// Messages returns what the person sees, oldest first, without what was
// deleted.
func (p *Phone) Messages() []Message {
	p.s.mu.Lock()
	defer p.s.mu.Unlock()
	var all []Message
	for _, m := range p.chat.messages {
		if !m.deleted {
			all = append(all, m.seen())
		}
	}
	return all
}

// Message returns one message, deleted or not.
func (p *Phone) Message(id int) (Message, bool) {
	p.s.mu.Lock()
	defer p.s.mu.Unlock()
	m := p.chat.find(id)
	if m == nil {
		return Message{}, false
	}
	return m.seen(), true
}

// Last returns the newest visible message of the bot, or the zero Message.
func (p *Phone) Last() Message {
	p.s.mu.Lock()
	defer p.s.mu.Unlock()
	for _, m := range slices.Backward(p.chat.messages) {
		if m.byBot && !m.deleted {
			return m.seen()
		}
	}
	return Message{}
}

func (m *message) seen() Message {
	v := Message{
		ID: m.MessageID, Bot: m.byBot, Text: m.Text, Caption: m.Caption, Album: m.MediaGroupID,
		Edited: m.EditDate > 0, Deleted: m.deleted, Pinned: m.pinned, Protected: m.Protected,
		HTML: renderHTML(m.Text+m.Caption, append(slices.Clip(m.Entities), m.CaptionEntities...)),
	}
	if m.ReplyTo != nil {
		v.ReplyTo = m.ReplyTo.MessageID
	}
	if m.ReplyMarkup != nil {
		for _, row := range m.ReplyMarkup.Rows {
			var buttons []Button
			for _, b := range row {
				buttons = append(buttons, Button{Label: b.Text, Data: b.Data, URL: b.URL})
			}
			v.Buttons = append(v.Buttons, buttons)
		}
	}
	if f := m.file; f != nil {
		v.File = &File{ID: f.id, Name: f.name, MIME: f.mime, Data: f.data, Photo: f.kind == "photos", Width: f.width, Height: f.height}
	}
	return v
}

// Labels returns the labels of all buttons of the message, in order.
func (m Message) Labels() []string {
	var all []string
	for _, row := range m.Buttons {
		for _, b := range row {
			all = append(all, b.Label)
		}
	}
	return all
}

// Toast returns what the newest answered press was answered with; it is empty
// when no press was answered with a text.
func (p *Phone) Toast() Toast {
	p.s.mu.Lock()
	defer p.s.mu.Unlock()
	return p.toast
}

// Await waits until the newest message of the bot holds all the texts, in its
// text, its caption or its buttons, and returns it.
func (p *Phone) Await(ctx context.Context, texts ...string) (Message, error) {
	var m Message
	err := p.s.WaitFor(ctx, func() bool {
		m = p.Last()
		all := m.Text + "\n" + m.Caption + "\n" + strings.Join(m.Labels(), "\n")
		for _, text := range texts {
			if m.ID == 0 || !strings.Contains(all, text) {
				return false
			}
		}
		return m.ID != 0
	})
	if err != nil {
		return m, fmt.Errorf("%s waits for %q, the last message is %q %v: %w", p.name, texts, m.Text+m.Caption, m.Labels(), err)
	}
	return m, nil
}

// AwaitToast waits until a press is answered with a text that holds the given
// one.
func (p *Phone) AwaitToast(ctx context.Context, text string) (Toast, error) {
	var t Toast
	err := p.s.WaitFor(ctx, func() bool {
		t = p.Toast()
		return t.Text != "" && strings.Contains(t.Text, text)
	})
	if err != nil {
		return t, fmt.Errorf("%s waits for an answer %q, the last is %q: %w", p.name, text, t.Text, err)
	}
	return t, nil
}

// Commands returns the commands in force in the chat: of the chat itself, else
// of all private chats, else the default, each first in the person's language.
func (p *Phone) Commands() []Command {
	p.s.mu.Lock()
	defer p.s.mu.Unlock()
	return slices.Clone(p.s.commandsOf(p))
}

func (s *Server) commandsOf(p *Phone) []Command {
	id := json.RawMessage(strconv.FormatInt(p.id, 10))
	for _, scope := range []commandScope{{Type: "chat", ChatID: id}, {Type: "all_private_chats"}, {Type: "default"}} {
		for _, language := range []string{p.language, ""} {
			if list := s.commands[scope.key(language)]; len(list) > 0 {
				return list
			}
		}
	}
	return nil
}

// MenuButton returns the type of the menu button in force: commands, web_app
// or default.
func (p *Phone) MenuButton() string {
	p.s.mu.Lock()
	defer p.s.mu.Unlock()
	var b struct {
		Type string `json:"type"`
	}
	if err := json.Unmarshal(p.s.menu(p.id), &b); err != nil {
		return ""
	}
	return b.Type
}

// Group is a group chat.
type Group struct {
	s    *Server
	chat *chat
}

// Group returns the group with that id (negative), which is created at the
// first call. The bot is not in it yet.
func (s *Server) Group(id int64, title string) *Group {
	s.mu.Lock()
	defer s.mu.Unlock()
	if c := s.chats[id]; c != nil && c.group != nil {
		return c.group
	}
	g := &Group{s: s}
	g.chat = &chat{id: id, title: title, group: g}
	s.chats[id] = g.chat
	return g
}

// errOutside tells that the bot hears nothing of a group.
var errOutside = errors.New("the bot is not in the group")

// AddBot lets a person add the bot: it gets my_chat_member and a message.
func (g *Group) AddBot(by *Phone) {
	g.s.mu.Lock()
	defer g.s.mu.Unlock()
	g.chat.started, g.chat.blocked = true, false
	g.s.pushMember(g.chat, by.user(), "left", "member")
	m := g.s.addMessage(g.chat, &message{wireMessage: wireMessage{From: by.user(), NewChatMembers: []user{g.s.bot}}})
	g.s.push("message", m.wireMessage)
}

// Say lets a person write into the group; it fails when the bot is not there.
func (g *Group) Say(by *Phone, text string) error {
	g.s.mu.Lock()
	defer g.s.mu.Unlock()
	if g.chat.blocked || !g.chat.started {
		return errOutside
	}
	m := g.s.addMessage(g.chat, &message{wireMessage: wireMessage{From: by.user(), Text: text, Entities: commandsIn(text)}})
	g.s.push("message", m.wireMessage)
	return nil
}

// Left tells whether the bot was in the group and has left it.
func (g *Group) Left() bool {
	g.s.mu.Lock()
	defer g.s.mu.Unlock()
	return g.chat.started && g.chat.blocked
}

// Messages returns what stands in the group.
func (g *Group) Messages() []Message {
	g.s.mu.Lock()
	defer g.s.mu.Unlock()
	var all []Message
	for _, m := range g.chat.messages {
		if !m.deleted {
			all = append(all, m.seen())
		}
	}
	return all
}
