package chat

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"time"

	tg "github.com/go-telegram-bot-api/telegram-bot-api/v5"
)

// Limits of the Bot API. Source: https://core.telegram.org/bots/api and
// https://core.telegram.org/bots/faq.
const (
	maxAlbum  = 10  // files in one album
	maxAnswer = 200 // UTF-16 units in the answer to a press

	// DefaultRate and DefaultChatRate are messages a second, over all chats and
	// in one.
	DefaultRate     = 30
	DefaultChatRate = 1
)

const (
	callTimeout   = 30 * time.Second // of a call without files
	uploadTimeout = 15 * time.Minute // of a call with files: 50 MB over a throttled line
	stallTimeout  = 30 * time.Second // of a download of which nothing comes
	pollSlack     = 15 * time.Second // on top of a long poll's own timeout

	// maxPatience is the longest pause asked for by the Bot API that an answer
	// sits out, once; bulk and longer pauses go back to the caller.
	maxPatience = 10 * time.Second
)

// tries are the pauses before a request that was never written is tried again.
var tries = []time.Duration{100 * time.Millisecond, 500 * time.Millisecond}

// allowedUpdates are the kinds that the bot understands.
const allowedUpdates = `["message","callback_query","my_chat_member"]`

// Config says how to reach the Bot API.
type Config struct {
	Token    string
	URL      string  // base: methods at URL/botTOKEN/METHOD, files at URL/file/botTOKEN/PATH
	Rate     float64 // messages a second over all chats; 0: DefaultRate
	ChatRate float64 // messages a second in one chat; 0: DefaultChatRate
}

// Telegram is a Client over the Bot API.
type Telegram struct {
	api    *tg.BotAPI // copied for every call, with a client that carries the context
	http   *http.Client
	base   string
	token  string
	limits *limits
	bulk   bool
}

var _ Client = (*Telegram)(nil)

// New returns a client; it does not connect.
func New(c Config) *Telegram {
	base := strings.TrimRight(c.URL, "/")
	api := &tg.BotAPI{Token: c.Token}
	api.SetAPIEndpoint(strings.ReplaceAll(base, "%", "%%") + "/bot%s/%s")
	if c.Rate == 0 {
		c.Rate = DefaultRate
	}
	if c.ChatRate == 0 {
		c.ChatRate = DefaultChatRate
	}
	return &Telegram{
		api: api, base: base, token: c.Token,
		http: &http.Client{
			Transport: &http.Transport{
				Proxy:               http.ProxyFromEnvironment,
				MaxIdleConnsPerHost: 64,
				// Shorter than the Bot API keeps a connection, so that a request
				// is seldom written to one that is being closed.
				IdleConnTimeout:     45 * time.Second,
				TLSHandshakeTimeout: 10 * time.Second,
			},
			// A redirect would carry the token to another place.
			CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
		},
		limits: newLimits(c.Rate, c.ChatRate),
	}
}

// Bulk implements Client.
func (t *Telegram) Bulk() Client {
	b := *t
	b.bulk = true
	return &b
}

// Me implements Client.
func (t *Telegram) Me(ctx context.Context) (string, error) {
	var me struct {
		Username string `json:"username"`
	}
	err := t.call(ctx, callTimeout, "getMe", nil, nil, &me)
	return me.Username, err
}

// Updates implements Client.
func (t *Telegram) Updates(ctx context.Context, offset int64, timeout time.Duration) ([]json.RawMessage, error) {
	var out []json.RawMessage
	err := t.call(ctx, timeout+pollSlack, "getUpdates", tg.Params{
		"offset": strconv.FormatInt(offset, 10), "timeout": strconv.Itoa(int(timeout.Seconds())),
		"limit": "100", "allowed_updates": allowedUpdates,
	}, nil, &out)
	return out, err
}

// Send implements Client.
func (t *Telegram) Send(ctx context.Context, m Message) (int, error) {
	first := MaxText
	if m.File != nil {
		first = MaxCaption
	}
	parts := split(m.HTML, first, MaxText)
	var id int
	for i, text := range parts {
		p := m.params()
		if i == 0 {
			m.replyTo(p)
		}
		if i < len(parts)-1 {
			delete(p, "reply_markup")
		}
		method, files := "sendMessage", []Upload(nil)
		field := "document"
		if m.Photo {
			field = "photo"
		}
		switch {
		case i == 0 && m.File != nil:
			method = "send" + strings.ToUpper(field[:1]) + field[1:]
			files = []Upload{*m.File}
			files[0].Photo = m.Photo
			if text != "" {
				p["caption"], p["parse_mode"] = text, tg.ModeHTML
			}
			if m.File.Ref != "" {
				p[field] = m.File.Ref
			}
		default:
			p["text"], p["parse_mode"], p["link_preview_options"] = text, tg.ModeHTML, `{"is_disabled":true}`
		}
		var sent struct {
			MessageID int `json:"message_id"`
		}
		if err := t.say(ctx, m.ChatID, method, p, uploads(files, func(int) string { return field }), &sent); err != nil {
			if i > 0 { // the first parts are there: repeating the whole would double them
				return id, &UnknownOutcomeError{Method: method, Err: err}
			}
			return 0, err
		}
		id = sent.MessageID
	}
	return id, nil
}

// SendAlbum implements Client.
func (t *Telegram) SendAlbum(ctx context.Context, chatID int64, files []Upload) ([]int, error) {
	var ids []int
	for len(files) > 0 {
		n := min(len(files), maxAlbum)
		if len(files) == maxAlbum+1 { // an album of one is none
			n--
		}
		album := files[:n]
		files = files[n:]
		if n == 1 {
			id, err := t.Send(ctx, Message{ChatID: chatID, File: &album[0], Photo: album[0].Photo})
			if err != nil {
				return ids, half(ids, err)
			}
			ids = append(ids, id)
			continue
		}
		name := func(i int) string { return "file-" + strconv.Itoa(i) }
		media := make([]map[string]string, n)
		for i, f := range album {
			media[i] = map[string]string{"type": "document", "media": "attach://" + name(i)}
			if f.Photo {
				media[i]["type"] = "photo"
			}
			if f.Ref != "" {
				media[i]["media"] = f.Ref
			}
		}
		list, err := json.Marshal(media)
		if err != nil {
			return ids, fmt.Errorf("encode album: %w", err)
		}
		var sent []struct {
			MessageID int `json:"message_id"`
		}
		p := tg.Params{"chat_id": strconv.FormatInt(chatID, 10), "media": string(list)}
		if err := t.say(ctx, chatID, "sendMediaGroup", p, uploads(album, name), &sent); err != nil {
			return ids, half(ids, err)
		}
		for _, s := range sent {
			ids = append(ids, s.MessageID)
		}
	}
	return ids, nil
}

// half is the error of a sending of which a part has arrived.
func half(ids []int, err error) error {
	if len(ids) == 0 {
		return err
	}
	return &UnknownOutcomeError{Method: "sendMediaGroup", Err: err}
}

// Edit implements Client.
func (t *Telegram) Edit(ctx context.Context, messageID int, m Message) error {
	p := m.params()
	delete(p, "protect_content")
	delete(p, "disable_notification")
	p["message_id"] = strconv.Itoa(messageID)
	if p["reply_markup"] == "" {
		p["reply_markup"] = `{"inline_keyboard":[]}`
	}
	var method string
	var files []part
	switch {
	case m.File != nil:
		method = "editMessageMedia"
		media := map[string]string{"type": "document", "media": "attach://file"}
		if m.Photo {
			media["type"] = "photo"
		}
		if m.File.Ref != "" {
			media["media"] = m.File.Ref
		}
		if m.HTML != "" {
			media["caption"], media["parse_mode"] = clip(m.HTML, MaxCaption), tg.ModeHTML
		}
		j, err := json.Marshal(media)
		if err != nil {
			return fmt.Errorf("encode media: %w", err)
		}
		p["media"] = string(j)
		files = uploads([]Upload{*m.File}, func(int) string { return "file" })
	case m.Caption:
		method = "editMessageCaption"
		p["caption"], p["parse_mode"] = clip(m.HTML, MaxCaption), tg.ModeHTML
	case m.HTML == "":
		method = "editMessageReplyMarkup"
	default:
		method = "editMessageText"
		p["text"], p["parse_mode"], p["link_preview_options"] = clip(m.HTML, MaxText), tg.ModeHTML, `{"is_disabled":true}`
	}
	err := t.say(ctx, m.ChatID, method, p, files, nil)
	if refused(err, "message is not modified") {
		return nil
	}
	if refused(err, "message to edit not found", "message can't be edited", "message_id_invalid", "there is no text in the message to edit") {
		return ErrGone
	}
	return err
}

// Delete implements Client.
func (t *Telegram) Delete(ctx context.Context, chatID int64, messageID int) error {
	if err := t.Withdraw(ctx, chatID, messageID); !errors.Is(err, ErrGone) {
		return err
	}
	return nil
}

// Withdraw implements Client.
func (t *Telegram) Withdraw(ctx context.Context, chatID int64, messageID int) error {
	err := t.call(ctx, callTimeout, "deleteMessage", tg.Params{
		"chat_id": strconv.FormatInt(chatID, 10), "message_id": strconv.Itoa(messageID),
	}, nil, nil)
	if refused(err, "message to delete not found", "message can't be deleted", "message_id_invalid") {
		return ErrGone
	}
	return err
}

// Answer implements Client.
func (t *Telegram) Answer(ctx context.Context, callbackID, text string, alert bool) error {
	p := tg.Params{"callback_query_id": callbackID}
	if text != "" {
		p["text"] = cutPlain(text, maxAnswer)
	}
	if alert {
		p["show_alert"] = "true"
	}
	err := t.call(ctx, callTimeout, "answerCallbackQuery", p, nil, nil)
	if refused(err, "query is too old", "query id is invalid") {
		return nil
	}
	return err
}

// Fetch implements Client.
func (t *Telegram) Fetch(ctx context.Context, ref string, w io.Writer, limit int64) (int64, error) {
	var f struct {
		Path string `json:"file_path"`
		Size int64  `json:"file_size"`
	}
	err := t.call(ctx, callTimeout, "getFile", tg.Params{"file_id": ref}, nil, &f)
	switch {
	case refused(err, "file is too big"):
		return 0, ErrTooBig
	case refused(err, "invalid file_id", "invalid file id", "wrong file_id", "wrong file identifier"):
		return 0, ErrGone
	case err != nil:
		return 0, err
	case f.Size > limit:
		return 0, ErrTooBig
	case f.Path == "":
		return 0, &RefusedError{Method: "getFile", Code: http.StatusOK, Text: "no file_path"}
	}
	moving, cancel := context.WithCancel(ctx)
	defer cancel()
	stall := time.AfterFunc(stallTimeout, cancel)
	defer stall.Stop()
	r, err := t.open(moving, f.Path)
	if err != nil {
		return 0, err
	}
	defer func() { _ = r.Close() }()
	n, err := io.Copy(w, io.LimitReader(lively{r, stall}, limit+1))
	switch {
	case n > limit:
		return n, ErrTooBig
	case err != nil && moving.Err() != nil && ctx.Err() == nil:
		return n, errStalled
	case err != nil:
		return n, t.plain("download", err)
	case f.Size > 0 && n != f.Size:
		return n, fmt.Errorf("chat download: %w: %d of %d bytes", io.ErrUnexpectedEOF, n, f.Size)
	}
	return n, nil
}

// errStalled is the end of a download of which nothing came any more. Asking
// again may help.
var errStalled = errors.New("chat download: nothing came for " + stallTimeout.String())

// lively puts a timer off with all that comes.
type lively struct {
	io.Reader
	stall *time.Timer
}

func (l lively) Read(p []byte) (int, error) {
	n, err := l.Reader.Read(p)
	l.stall.Reset(stallTimeout)
	return n, err
}

// open opens what getFile has named: a path below the configured base, or a
// file of a local Bot API server.
func (t *Telegram) open(ctx context.Context, path string) (io.ReadCloser, error) {
	if filepath.IsAbs(path) {
		f, err := os.Open(path)
		if err != nil {
			return nil, t.plain("download", err)
		}
		return f, nil
	}
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, t.base+"/file/bot"+t.token+"/"+path, http.NoBody)
	if err != nil {
		return nil, t.plain("download", err)
	}
	resp, err := t.http.Do(req)
	if err != nil {
		return nil, t.plain("download", err)
	}
	switch resp.StatusCode {
	case http.StatusOK:
		return resp.Body, nil
	case http.StatusNotFound:
		err = ErrGone
	default:
		err = &RefusedError{Method: "download", Code: resp.StatusCode, Text: http.StatusText(resp.StatusCode)}
	}
	_ = resp.Body.Close()
	return nil, err
}

// SetCommands implements Client.
func (t *Telegram) SetCommands(ctx context.Context, chatID int64, language string, cs []Command) error {
	type line struct {
		Command     string `json:"command"`
		Description string `json:"description"`
	}
	lines := make([]line, len(cs))
	for i, c := range cs {
		lines[i] = line{c.Name, c.Text}
	}
	list, err := json.Marshal(lines)
	if err != nil {
		return fmt.Errorf("encode commands: %w", err)
	}
	p := tg.Params{"commands": string(list)}
	if chatID != 0 {
		p["scope"] = `{"type":"chat","chat_id":` + strconv.FormatInt(chatID, 10) + `}`
	}
	if language != "" {
		p["language_code"] = language
	}
	return t.call(ctx, callTimeout, "setMyCommands", p, nil, nil)
}

// SetMenuButton implements Client.
func (t *Telegram) SetMenuButton(ctx context.Context, chatID int64) error {
	p := tg.Params{"menu_button": `{"type":"commands"}`}
	if chatID != 0 {
		p["chat_id"] = strconv.FormatInt(chatID, 10)
	}
	return t.call(ctx, callTimeout, "setChatMenuButton", p, nil, nil)
}

// Leave implements Client.
func (t *Telegram) Leave(ctx context.Context, chatID int64) error {
	err := t.call(ctx, callTimeout, "leaveChat", tg.Params{"chat_id": strconv.FormatInt(chatID, 10)}, nil, nil)
	if errors.Is(err, ErrBlocked) { // already out
		return nil
	}
	return err
}

// Typing implements Client.
func (t *Telegram) Typing(ctx context.Context, chatID int64) error {
	return t.call(ctx, callTimeout, "sendChatAction", tg.Params{"chat_id": strconv.FormatInt(chatID, 10), "action": tg.ChatTyping}, nil, nil)
}

// SetWebhook implements Client.
func (t *Telegram) SetWebhook(ctx context.Context, url, secret string) error {
	return t.call(ctx, callTimeout, "setWebhook", tg.Params{"url": url, "secret_token": secret, "allowed_updates": allowedUpdates}, nil, nil)
}

// DeleteWebhook implements Client.
func (t *Telegram) DeleteWebhook(ctx context.Context) error {
	return t.call(ctx, callTimeout, "deleteWebhook", nil, nil, nil)
}

// params are the fields that all kinds of messages share.
func (m Message) params() tg.Params {
	p := tg.Params{"chat_id": strconv.FormatInt(m.ChatID, 10)}
	if m.Protect {
		p["protect_content"] = "true"
	}
	if m.Silent {
		p["disable_notification"] = "true"
	}
	switch {
	case m.Contact != "":
		p["reply_markup"] = contactKey(m.Contact)
	case m.NoKeys:
		p["reply_markup"] = `{"remove_keyboard":true}`
	case len(m.Keyboard) > 0:
		p["reply_markup"] = keyboard(m.Keyboard)
	}
	return p
}

func (m Message) replyTo(p tg.Params) {
	if m.ReplyTo != 0 {
		p["reply_parameters"] = `{"message_id":` + strconv.Itoa(m.ReplyTo) + `,"allow_sending_without_reply":true}`
	}
}

func keyboard(rows [][]Button) string {
	type button struct {
		Text string `json:"text"`
		Data string `json:"callback_data,omitempty"`
		URL  string `json:"url,omitempty"`
	}
	out := make([][]button, 0, len(rows))
	for _, row := range rows {
		line := make([]button, 0, len(row))
		for _, b := range row {
			line = append(line, button{Text: b.Label, Data: b.Data, URL: b.URL})
		}
		out = append(out, line)
	}
	j, err := json.Marshal(map[string]any{"inline_keyboard": out})
	if err != nil { // strings always encode
		panic(err)
	}
	return string(j)
}

// contactKey is a keyboard of one key that shares the presser's own contact.
func contactKey(words string) string {
	type key struct {
		Text    string `json:"text"`
		Contact bool   `json:"request_contact"`
	}
	j, err := json.Marshal(map[string]any{
		"keyboard": [][]key{{{words, true}}}, "resize_keyboard": true, "one_time_keyboard": true,
	})
	if err != nil { // strings always encode
		panic(err)
	}
	return string(j)
}

// cutPlain cuts plain text to limit UTF-16 units.
func cutPlain(s string, limit int) string {
	n := 0
	for i, r := range s {
		if n += units(string(r)); n > limit {
			return s[:i]
		}
	}
	return s
}

// A part is a file of a request that has to travel; one with a Ref does not.
type part struct {
	field string // of the request
	file  Upload
}

func uploads(files []Upload, field func(i int) string) []part {
	var out []part
	for i, f := range files {
		if f.Ref == "" {
			out = append(out, part{field(i), f})
		}
	}
	return out
}
