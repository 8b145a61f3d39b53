// Package emulator is a strict double of the Telegram Bot API over HTTP. It
// checks every call against the specification, answers errors as Telegram
// words them, keeps the chats as people see them and lets a test or a page be
// those people. It knows nothing of the bot it serves.
//
// Where it differs from Telegram it is the stricter of the two: unknown
// parameters and fields, a bare & in HTML and a link without an address are
// refused, because each of them is a mistake of the bot.
package emulator

import (
	"context"
	"encoding/json"
	"errors"
	"net/http"
	"slices"
	"strings"
	"sync"
	"time"
)

// Defaults of Options.
const (
	DefaultToken   = "1:test"
	DefaultBotName = "flowbot_test_bot"
	// DefaultMaxDownload is what getFile serves, in bytes. Source: Telegram Bot
	// API, getFile ("bots can download files of up to 20MB in size").
	DefaultMaxDownload = 20 << 20
)

// callbackLife is how long a press of a button can be answered. Telegram
// names no number; the server has refused after about this long.
const callbackLife = 150 * time.Second

// updateLife is how long an update waits for the bot. Source: Telegram Bot
// API, "Getting updates" ("they will not be kept longer than 24 hours").
const updateLife = 24 * time.Hour

// deleteLife is how long a message can be deleted. Source: Telegram Bot API,
// deleteMessage ("only if it was sent less than 48 hours ago").
const deleteLife = 48 * time.Hour

// Options are the settings of a Server; the zero value suits tests.
type Options struct {
	Token       string           // the bot's token; DefaultToken
	BotName     string           // the bot's user name; DefaultBotName
	Now         func() time.Time // time.Now
	Limits      Limits           // none; RealLimits are Telegram's
	MaxDownload int64            // what getFile serves, in bytes; DefaultMaxDownload
	Transcript  bool             // write the transcript down

	// FirstUpdate and FirstMessage are the first numbers given; 1. An
	// installation that keeps its database over restarts of the emulator
	// passes something that grows, such as the seconds of the clock, since a
	// bot takes an update number that it has seen for a repetition.
	FirstUpdate  int64
	FirstMessage int

	// OnCall is told of each call that is checked and about to be executed,
	// save getUpdates; chat is 0 where a method has none. It runs in the call's
	// goroutine and is what a load test measures with.
	OnCall func(method string, chat int64)

	// WebhookRetry is the wait after a failed delivery to the webhook; 1 s.
	WebhookRetry time.Duration
}

// Server is the double. It is an http.Handler: methods at /botTOKEN/METHOD,
// files at /file/botTOKEN/PATH, the page with the phones at /. All methods can
// be called from several goroutines.
type Server struct {
	opt  Options
	spec *spec
	mux  *http.ServeMux
	bot  user
	stop context.CancelFunc
	done context.Context //nolint:containedctx // ends long polls, streams and deliveries on Close

	mu        sync.Mutex
	chats     map[int64]*chat
	phones    []*Phone // in the order of creation
	lastMsg   int
	lastAlbum int64
	files     fileStore
	queries   map[string]*query
	queryAge  []string // ids of queries, oldest first
	commands  map[string][]Command
	menus     map[int64]json.RawMessage // by chat, 0 for the default
	texts     map[string]string         // setMyDescription and its kind, by method and language
	inbox     inbox
	faults    []*Fault
	limiter   limiter
	counts    map[string]int
	log       callLog
	script    transcript
	hub       hub
	changed   chan struct{}
	waiting   int
	revision  int64         // grows with every change
	kept      chan struct{} // closed when Keep has written for the last time; nil without it
}

// chat is a private chat or a group.
type chat struct {
	id       int64
	title    string
	phone    *Phone // nil in a group
	group    *Group // nil in a private chat
	started  bool   // the person has written or the bot was added
	blocked  bool   // the person has blocked the bot, or it has left the group
	messages []*message
	keyboard [][]keyButton
	typing   string
}

func (c *chat) wire() wireChat {
	if c.phone != nil {
		return wireChat{ID: c.id, Type: "private", FirstName: c.phone.name, Username: c.phone.username}
	}
	return wireChat{ID: c.id, Type: "supergroup", Title: c.title}
}

// find returns the message, deleted or not, or nil.
func (c *chat) find(id int) *message {
	i, ok := slices.BinarySearchFunc(c.messages, id, func(m *message, id int) int { return m.MessageID - id })
	if !ok {
		return nil
	}
	return c.messages[i]
}

// message is one message with what the wire form does not tell.
type message struct {
	wireMessage
	byBot   bool
	deleted bool
	pinned  bool
	file    *file  // of a document, the largest size of a photo, a voice, a sticker
	markup  string // the reply markup as it was compared for "not modified"
}

// query is a press of a button that waits for its answer.
type query struct {
	chat     *chat
	at       time.Time
	answered bool
}

// New makes a server without phones.
func New(opt Options) *Server {
	if opt.Token == "" {
		opt.Token = DefaultToken
	}
	if opt.BotName == "" {
		opt.BotName = DefaultBotName
	}
	if opt.Now == nil {
		opt.Now = time.Now
	}
	if opt.MaxDownload == 0 {
		opt.MaxDownload = DefaultMaxDownload
	}
	if opt.FirstUpdate == 0 {
		opt.FirstUpdate = 1
	}
	if opt.FirstMessage == 0 {
		opt.FirstMessage = 1
	}
	if opt.WebhookRetry == 0 {
		opt.WebhookRetry = time.Second
	}
	s := &Server{
		opt: opt, spec: theSpec(), mux: http.NewServeMux(),
		bot:      user{ID: botID(opt.Token), IsBot: true, FirstName: opt.BotName, Username: opt.BotName},
		chats:    map[int64]*chat{},
		lastMsg:  opt.FirstMessage - 1,
		files:    newFileStore(),
		queries:  map[string]*query{},
		commands: map[string][]Command{},
		menus:    map[int64]json.RawMessage{},
		texts:    map[string]string{},
		limiter:  newLimiter(opt.Limits),
		counts:   map[string]int{},
		script:   transcript{on: opt.Transcript},
		changed:  make(chan struct{}),
	}
	s.inbox.next = opt.FirstUpdate
	s.inbox.wake = make(chan struct{}, 1)
	s.done, s.stop = context.WithCancel(context.Background())
	s.routePage()
	return s
}

// Close ends long polls, streams of the page and deliveries to a webhook, and
// waits until Keep has written what it keeps.
func (s *Server) Close() {
	s.stop()
	if s.kept != nil {
		<-s.kept
	}
}

// Token returns the token that the bot must use.
func (s *Server) Token() string { return s.opt.Token }

// BotName returns the bot's user name, without @.
func (s *Server) BotName() string { return s.opt.BotName }

func botID(token string) int64 {
	var id int64
	for _, r := range token {
		if r < '0' || r > '9' {
			break
		}
		id = id*10 + int64(r-'0')
	}
	return max(id, 1)
}

// ServeHTTP answers the Bot API and the page.
func (s *Server) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	switch {
	case strings.HasPrefix(r.URL.Path, "/bot"):
		token, method, _ := strings.Cut(strings.TrimPrefix(r.URL.Path, "/bot"), "/")
		s.serveMethod(w, r, token, method)
	case strings.HasPrefix(r.URL.Path, "/file/bot"):
		token, path, _ := strings.Cut(strings.TrimPrefix(r.URL.Path, "/file/bot"), "/")
		s.serveFile(w, r, token, path)
	default:
		s.mux.ServeHTTP(w, r)
	}
}

// serveMethod answers one call: token, method, parameters, faults, limits, and
// only then the deed.
func (s *Server) serveMethod(w http.ResponseWriter, r *http.Request, token, method string) {
	begun := time.Now()
	if token != s.opt.Token {
		code := &apiError{code: http.StatusUnauthorized, description: "Unauthorized"}
		if !strings.Contains(token, ":") {
			code = &apiError{code: http.StatusNotFound, description: "Not Found"}
		}
		s.answer(w, nil, code)
		return
	}
	sh := s.spec.methods[strings.ToLower(method)]
	if sh == nil {
		s.answer(w, nil, &apiError{code: http.StatusNotFound, description: "Not Found"})
		s.record(method, nil, "404 Not Found", begun)
		return
	}
	c, err := readCall(r, sh)
	if err == nil {
		err = s.spec.check(c)
	}
	fault := s.fault(sh.name, c)
	if fault.acts() {
		s.record(sh.name, c, fault.String(), begun)
		fault.act(r.Context(), w)
		return
	}
	fault.wait(r.Context())
	var result any
	if err == nil {
		result, err = s.execute(r.Context(), c)
	}
	s.record(sh.name, c, outcome(err), begun)
	fault.after()
	s.answer(w, result, err)
}

func outcome(err error) string {
	var said *apiError
	switch {
	case err == nil:
		return "ok"
	case errors.As(err, &said):
		return said.Error()
	default:
		return "lost"
	}
}

// execute runs a checked call.
func (s *Server) execute(ctx context.Context, c *call) (any, error) {
	if c.shape.name == "getUpdates" {
		return s.getUpdates(ctx, c)
	}
	deed, ok := deeds[c.shape.name]
	if !ok {
		return nil, badRequest("method %s is not played by the emulator", c.shape.name)
	}
	if s.opt.OnCall != nil {
		s.opt.OnCall(c.shape.name, c.chat())
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if err := s.limiter.take(s.opt.Now(), c); err != nil {
		return nil, err
	}
	result, err := deed(s, c)
	s.touch()
	if err != nil {
		return nil, err
	}
	// Encoded under the lock: the result may hold parts of the state.
	return json.Marshal(result)
}

// answer writes the envelope around a result.
func (s *Server) answer(w http.ResponseWriter, result any, err error) {
	code := http.StatusOK
	var e envelope
	var said *apiError
	switch {
	case errors.As(err, &said):
		code = said.code
		e = envelope{ErrorCode: said.code, Description: said.description}
		if said.retryAfter > 0 {
			e.Parameters = &retryAfter{said.retryAfter}
		}
	case err != nil:
		// The client is gone in the middle of its request.
		code = http.StatusBadRequest
		e = envelope{ErrorCode: code, Description: "Bad Request: " + err.Error()}
	default:
		e.OK = true
		raw, ok := result.([]byte)
		if !ok {
			raw, _ = json.Marshal(result) //nolint:errchkjson // our own types
		}
		e.Result = raw
	}
	writeEnvelope(w, code, e)
}

func writeEnvelope(w http.ResponseWriter, code int, e envelope) {
	body, err := json.Marshal(e)
	if err != nil {
		code, body = http.StatusInternalServerError, []byte(`{"ok":false,"error_code":500,"description":"Internal Server Error"}`)
	}
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(code)
	_, _ = w.Write(body)
}

// touch wakes those who wait for a condition; the caller holds mu.
func (s *Server) touch() {
	s.revision++
	if s.waiting > 0 {
		s.waiting = 0
		close(s.changed)
		s.changed = make(chan struct{})
	}
}

// WaitFor returns nil once cond holds, or the context's error. It asks again
// after each call of the bot and each deed of a person. Cond may use the
// server and its phones.
func (s *Server) WaitFor(ctx context.Context, cond func() bool) error {
	for {
		s.mu.Lock()
		changed := s.changed
		s.waiting++
		s.mu.Unlock()
		if cond() {
			return nil
		}
		select {
		case <-changed:
		case <-ctx.Done():
			return ctx.Err()
		}
	}
}

// Pending returns how many updates the bot has not confirmed.
func (s *Server) Pending() int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return len(s.inbox.queue)
}

// Count returns how many calls of a method came, whatever became of them.
func (s *Server) Count(method string) int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.counts[method]
}

// addMessage numbers a message and puts it into the chat; the caller holds mu.
func (s *Server) addMessage(c *chat, m *message) *message {
	s.lastMsg++
	m.MessageID = s.lastMsg
	m.Chat = c.wire()
	m.Date = s.opt.Now().Unix()
	if m.byBot {
		bot := s.bot
		m.From = &bot
	}
	c.messages = append(c.messages, m)
	s.script.message(c, m)
	s.showMessage(c, m)
	s.touch()
	return m
}
