package emulator

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"time"
)

// maxPoll is the longest that getUpdates waits.
const maxPoll = 50 * time.Second

// update is one event, encoded once.
type update struct {
	id   int64
	kind string
	at   time.Time
	body json.RawMessage
}

// inbox holds what the bot has not confirmed, and who asks for it.
type inbox struct {
	next    int64
	queue   []update
	last    *update  // the newest, for Repeat
	allowed []string // empty: all but those of unasked
	wake    chan struct{}
	poller  chan struct{} // closed when another getUpdates comes
	cut     bool          // the poll that ends is cut off, without a 409
	again   int           // how many of the next updates come twice

	hook      *webhook
	lastError string
	errorAt   time.Time
}

// webhook is where updates are pushed; one goroutine delivers in order.
type webhook struct {
	url, secret string
	connections int
	stop        context.CancelFunc
}

// unasked are the updates that come only when they are named. Source: Telegram
// Bot API, getUpdates, allowed_updates.
var unasked = []string{"chat_member", "message_reaction", "message_reaction_count"}

func (in *inbox) wants(kind string) bool {
	if len(in.allowed) == 0 {
		return !slices.Contains(unasked, kind)
	}
	return slices.Contains(in.allowed, kind)
}

// push queues an update; the caller holds mu.
func (s *Server) push(kind string, content any) {
	if !s.inbox.wants(kind) {
		return
	}
	raw, err := json.Marshal(content)
	if err != nil {
		panic("emulator: " + err.Error()) // our own types always encode
	}
	s.enqueue(kind, raw)
	if s.inbox.again > 0 {
		s.inbox.again--
		s.enqueue(kind, raw)
	}
	s.touch()
}

func (s *Server) enqueue(kind string, raw []byte) {
	id := s.inbox.next
	s.inbox.next++
	u := update{id: id, kind: kind, at: s.opt.Now(), body: fmt.Appendf(nil, `{"update_id":%d,%q:%s}`, id, kind, raw)}
	s.inbox.queue = append(s.inbox.queue, u)
	s.inbox.last = &u
	s.inbox.signal()
}

func (in *inbox) signal() {
	select {
	case in.wake <- struct{}{}:
	default:
	}
}

// Repeat sends the newest update again under a new number, as a client does
// that is not sure whether its tap arrived. It reports whether there was one.
func (s *Server) Repeat() bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	u := s.inbox.last
	if u == nil {
		return false
	}
	content := bytes.TrimSuffix(bytes.TrimPrefix(u.body, fmt.Appendf(nil, `{"update_id":%d,%q:`, u.id, u.kind)), []byte("}"))
	s.enqueue(u.kind, content)
	s.touch()
	return true
}

// InjectUpdate queues an update of any kind with any content, well formed or
// not in the eyes of the bot; content is JSON.
func (s *Server) InjectUpdate(kind string, content json.RawMessage) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.enqueue(kind, content)
	s.touch()
}

// expire drops what Telegram would not keep any longer; the caller holds mu.
func (s *Server) expire() {
	now := s.opt.Now()
	if len(s.inbox.queue) == 0 || now.Sub(s.inbox.queue[0].at) <= callbackLife {
		return // the oldest is young
	}
	s.inbox.queue = slices.DeleteFunc(s.inbox.queue, func(u update) bool {
		age := now.Sub(u.at)
		return age > updateLife || u.kind == "callback_query" && age > callbackLife
	})
}

func (s *Server) getUpdates(ctx context.Context, c *call) (any, error) {
	limit := int(c.integer("limit"))
	if !c.has("limit") {
		limit = 100
	}
	wait := min(time.Duration(c.integer("timeout"))*time.Second, maxPoll)
	s.mu.Lock()
	if s.inbox.hook != nil {
		s.mu.Unlock()
		return nil, conflict("can't use getUpdates method while webhook is active; use deleteWebhook to delete the webhook first")
	}
	if c.has("allowed_updates") {
		var allowed []string
		if _, err := c.object("allowed_updates", &allowed); err != nil {
			s.mu.Unlock()
			return nil, err
		}
		s.inbox.allowed = allowed
	}
	if s.inbox.poller != nil {
		close(s.inbox.poller)
	}
	ended := make(chan struct{})
	s.inbox.poller = ended
	s.confirm(c.integer("offset"))
	s.mu.Unlock()

	timer := time.NewTimer(wait)
	defer timer.Stop()
	for over := false; ; {
		s.mu.Lock()
		select {
		case <-ended:
			s.inbox.signal() // this poll may have taken the signal meant for the next
			cut := s.inbox.cut
			s.inbox.cut = false
			s.mu.Unlock()
			if cut {
				panic(http.ErrAbortHandler)
			}
			return nil, conflict("terminated by other getUpdates request; make sure that only one bot instance is running")
		default:
		}
		s.expire()
		batch := s.inbox.queue[:min(limit, len(s.inbox.queue))]
		if len(batch) > 0 || over || ctx.Err() != nil || s.done.Err() != nil {
			s.inbox.poller = nil
			body := encodeBatch(batch)
			s.mu.Unlock()
			return body, nil
		}
		s.mu.Unlock()
		select {
		case <-s.inbox.wake:
		case <-ended:
		case <-timer.C:
			over = true
		case <-ctx.Done():
		case <-s.done.Done():
		}
	}
}

func conflict(what string) *apiError {
	return &apiError{code: http.StatusConflict, description: "Conflict: " + what}
}

func encodeBatch(batch []update) []byte {
	body := []byte{'['}
	for i, u := range batch {
		if i > 0 {
			body = append(body, ',')
		}
		body = append(body, u.body...)
	}
	return append(body, ']')
}

// confirm forgets the updates before offset; a negative offset keeps that many
// of the newest. The caller holds mu.
func (s *Server) confirm(offset int64) {
	q := s.inbox.queue
	if offset < 0 {
		q = q[max(int64(len(q))+offset, 0):]
	} else {
		n := 0
		for n < len(q) && q[n].id < offset {
			n++
		}
		q = q[n:]
	}
	if len(q) == 0 {
		q = nil
	}
	s.inbox.queue = q
	s.touch()
}

func setWebhook(s *Server, c *call) (any, error) {
	address := c.args["url"]
	var allowed []string
	given, err := c.object("allowed_updates", &allowed)
	if err != nil {
		return nil, err
	}
	secret := c.args["secret_token"]
	if strings.Trim(secret, "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789_-") != "" {
		return nil, badRequest("secret token contains unallowed characters")
	}
	if address != "" {
		u, err := url.Parse(address)
		if err != nil || u.Host == "" {
			return nil, badRequest("bad webhook: invalid webhook URL specified")
		}
		// The cloud wants HTTPS; a plain loopback address stands for the proxy
		// in front of the bot.
		if ip := net.ParseIP(u.Hostname()); u.Scheme != "https" && (u.Scheme != "http" || ip == nil || !ip.IsLoopback()) {
			return nil, badRequest("bad webhook: An HTTPS URL must be provided for webhook")
		}
	}
	if given {
		s.inbox.allowed = allowed
	}
	s.dropWebhook(c.flag("drop_pending_updates"))
	if address == "" {
		return true, nil
	}
	connections := int(c.integer("max_connections"))
	if connections == 0 {
		connections = 40
	}
	ctx, stop := context.WithCancel(s.done)
	s.inbox.hook = &webhook{url: address, secret: secret, connections: connections, stop: stop}
	if s.inbox.poller != nil {
		close(s.inbox.poller)
		s.inbox.poller = nil
	}
	go s.deliver(ctx, s.inbox.hook)
	return true, nil
}

func deleteWebhook(s *Server, c *call) (any, error) {
	s.dropWebhook(c.flag("drop_pending_updates"))
	return true, nil
}

func (s *Server) dropWebhook(pending bool) {
	if s.inbox.hook != nil {
		s.inbox.hook.stop()
		s.inbox.hook = nil
	}
	s.inbox.lastError = ""
	if pending {
		s.inbox.queue = nil
	}
}

func getWebhookInfo(s *Server, _ *call) (any, error) {
	info := webhookInfo{Pending: len(s.inbox.queue), Allowed: s.inbox.allowed}
	if h := s.inbox.hook; h != nil {
		info.URL, info.MaxConnections = h.url, h.connections
	}
	if s.inbox.lastError != "" {
		info.LastError, info.LastErrorDate = s.inbox.lastError, s.inbox.errorAt.Unix()
	}
	return info, nil
}

// deliver pushes updates to the webhook one after another until it is taken
// away; an update leaves the queue when the bot has answered it with 2xx.
func (s *Server) deliver(ctx context.Context, h *webhook) {
	client := &http.Client{Timeout: time.Minute}
	for ctx.Err() == nil {
		s.mu.Lock()
		s.expire()
		var u update
		if len(s.inbox.queue) > 0 {
			u = s.inbox.queue[0]
		}
		s.mu.Unlock()
		if u.body == nil {
			select {
			case <-s.inbox.wake:
			case <-ctx.Done():
			}
			continue
		}
		err := post(ctx, client, h, u.body)
		if ctx.Err() != nil {
			return
		}
		s.mu.Lock()
		if err == nil {
			s.confirm(u.id + 1)
		} else {
			s.inbox.lastError, s.inbox.errorAt = err.Error(), s.opt.Now()
			s.touch()
		}
		s.mu.Unlock()
		if err != nil {
			pause(ctx, s.opt.WebhookRetry)
		}
	}
}

func pause(ctx context.Context, d time.Duration) {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
	case <-ctx.Done():
	}
}

func post(ctx context.Context, client *http.Client, h *webhook, body []byte) error {
	r, err := http.NewRequestWithContext(ctx, http.MethodPost, h.url, bytes.NewReader(body))
	if err != nil {
		return err
	}
	r.Header.Set("Content-Type", "application/json")
	if h.secret != "" {
		r.Header.Set("X-Telegram-Bot-Api-Secret-Token", h.secret)
	}
	resp, err := client.Do(r)
	if err != nil {
		return err
	}
	_, err = io.Copy(io.Discard, resp.Body)
	if err2 := resp.Body.Close(); err == nil {
		err = err2
	}
	if err == nil && (resp.StatusCode < 200 || resp.StatusCode > 299) {
		return fmt.Errorf("wrong response from the webhook: %s", resp.Status)
	}
	return err
}
