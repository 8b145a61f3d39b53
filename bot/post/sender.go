package post

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"maps"
	"runtime/debug"
	"slices"
	"sync"
	"time"

	"flowbot/bot/chat"
	"flowbot/service"
)

const (
	// senderWorkers is how many people are written to at once. Their requests
	// wait for the messenger's rates, which these are enough to fill.
	senderWorkers = 16
	// noticeTimeout bounds the work on one message: its rendering, its turn in the
	// rates and an upload of the largest file.
	noticeTimeout = 30 * time.Minute
	// senderTick finds what no wake tells of.
	senderTick = 300 * time.Millisecond
	// recoverEvery is how often lost senders are looked for.
	recoverEvery = 5 * time.Second
	// maxNoticeAttempts is how often a notice is tried: with the pauses between,
	// half an hour.
	maxNoticeAttempts = 10
	// maxRateAttempts is the same for a chat that is told to be quiet each time.
	maxRateAttempts = 50
)

// Outgoing is a notice in words.
type Outgoing struct {
	Before   []chat.Message // sent first
	Message  chat.Message
	Skip     bool // no longer true: nothing is sent
	EditID   int  // make this message look like Message; one that is gone is sent anew
	EditOnly bool // a message that is gone is not sent anew
	DropID   int  // delete this message: the new one takes its place; 0 for none
	// Sent, if any, is called with the id of the message once the messenger has
	// confirmed it.
	Sent func(ctx context.Context, messageID int) error
}

// Renderer is how one kind of notice becomes a message.
type Renderer struct {
	// Render finds the words from the state as it is now. It gets every notice of
	// the kind that waits for the person together, oldest first.
	Render func(ctx context.Context, to service.Actor, chatID int64, batch []service.QueuedNotice) (Outgoing, error)
	// Lost, if any, is called with notices that can never arrive, or that left without
	// an answer and are not sent again.
	Lost func(ctx context.Context, batch []service.QueuedNotice) error
	// Repeat says what follows when a request left and no answer came: it is sent
	// again, as befits a card or a reminder; else admins see it as not confirmed.
	Repeat bool
	// Anybody says that it goes to people who have no rights any more, too: it is about
	// what was in their chat. Render gets them without seats.
	Anybody bool
}

// People tells who somebody is and hears who cannot be reached.
type People interface {
	// ActorByID returns NotFound for somebody who has no rights any more.
	ActorByID(ctx context.Context, personID int64) (service.Actor, error)
	// Person returns whoever was let in once.
	Person(ctx context.Context, id int64) (*service.Person, error)
}

// Sender brings notices from the outbox to the messenger. Several replicas may
// run one each.
type Sender struct {
	outbox    service.Outbox
	people    People
	blocked   func(ctx context.Context, personID int64) error
	answers   chat.Client // for what somebody waits for
	bulk      chat.Client // for the rest
	renderers map[string]Renderer
	now       service.Clock
	log       *slog.Logger
	wake      chan struct{}
	recovered time.Time

	mu   sync.Mutex
	held map[int64]int // batches being sent, by claim
}

// NewSender returns a sender. Blocked is told of people whose chat refuses
// messages. A kind without a renderer fails visibly.
func NewSender(outbox service.Outbox, people People, blocked func(ctx context.Context, personID int64) error,
	c chat.Client, renderers map[string]Renderer, now service.Clock, log *slog.Logger,
) *Sender {
	return &Sender{
		outbox: outbox, people: people, blocked: blocked, answers: c, bulk: c.Bulk(), renderers: renderers, now: now, log: log,
		wake: make(chan struct{}, 1), held: map[int64]int{},
	}
}

// Wake says that something new may be in the outbox. It never blocks.
func (s *Sender) Wake() {
	select {
	case s.wake <- struct{}{}:
	default:
	}
}

// Run sends until the context ends, then waits for what is on its way, up to
// stopGrace.
func (s *Sender) Run(ctx context.Context) {
	work, abandon := context.WithCancel(context.WithoutCancel(ctx))
	defer abandon()
	free := make(chan struct{}, senderWorkers)
	for range senderWorkers {
		free <- struct{}{}
	}
	beats := every(beat, func() { s.hold(work) })
	defer beats()
	tick := time.NewTicker(senderTick)
	defer tick.Stop()
	for ctx.Err() == nil {
		select {
		case <-s.wake:
		case <-tick.C:
		case <-ctx.Done():
			continue
		}
		s.recover(ctx)
		for ctx.Err() == nil {
			n := take(free)
			if n == 0 {
				break // a worker that ends wakes us
			}
			batches, err := s.claim(ctx, n, lease)
			if err != nil && ctx.Err() == nil {
				s.log.ErrorContext(ctx, "claim notices", "err", err)
			}
			for range n - len(batches) {
				free <- struct{}{}
			}
			for _, b := range batches {
				go func() {
					defer s.Wake()
					defer func() { free <- struct{}{} }()
					s.send(work, b)
				}()
			}
			if len(batches) < n {
				break
			}
		}
	}
	settle(free, senderWorkers, abandon)
}

// SendAll sends what is due, one message after another, until nothing is, and
// returns how many batches that were.
func (s *Sender) SendAll(ctx context.Context) (int, error) {
	s.recovered = time.Time{}
	s.recover(ctx)
	done := 0
	for {
		batches, err := s.claim(ctx, senderWorkers, stepLease)
		if err != nil || len(batches) == 0 {
			return done, err
		}
		for _, b := range batches {
			s.send(ctx, b)
			done++
		}
	}
}

func (s *Sender) claim(ctx context.Context, n int, lease time.Duration) ([]service.NoticeBatch, error) {
	bs, err := s.outbox.ClaimNotices(ctx, s.now(), n, lease)
	if err != nil {
		return nil, fmt.Errorf("claim notices: %w", err)
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, b := range bs {
		s.held[b.Claim]++
	}
	return bs, nil
}

// hold keeps what is being sent from being taken for lost.
func (s *Sender) hold(ctx context.Context) {
	s.mu.Lock()
	claims := slices.Collect(maps.Keys(s.held))
	s.mu.Unlock()
	if len(claims) == 0 {
		return
	}
	if err := s.outbox.HoldNotices(ctx, claims, s.now().Add(lease)); err != nil && ctx.Err() == nil {
		s.log.ErrorContext(ctx, "hold notices", "err", err)
	}
}

// drop lets a batch go of which it is written down what became.
func (s *Sender) drop(b service.NoticeBatch) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.held[b.Claim]--; s.held[b.Claim] <= 0 {
		delete(s.held, b.Claim)
	}
}

// recover settles what a lost sender has left, now and then.
func (s *Sender) recover(ctx context.Context) {
	now := s.now()
	if now.Sub(s.recovered) < recoverEvery {
		return
	}
	s.recovered = now
	var repeatable []string
	for kind, r := range s.renderers {
		if r.Repeat {
			repeatable = append(repeatable, kind)
		}
	}
	queued, unknown, err := s.outbox.RecoverNotices(ctx, now, repeatable)
	switch {
	case err != nil && ctx.Err() == nil:
		s.log.ErrorContext(ctx, "recover notices", "err", err)
	case queued+unknown > 0:
		s.log.WarnContext(ctx, "notices of a lost sender", "queued", queued, "unknown", unknown)
	}
}

// What becomes of a batch.
type fate struct {
	state  service.NoticeState // queued: later
	id     int                 // of the message
	at     time.Time           // of queued
	free   bool                // a try that is not counted
	reason error
}

// send sends one batch and writes down what became of it.
func (s *Sender) send(ctx context.Context, b service.NoticeBatch) {
	defer s.drop(b)
	f := s.fate(ctx, b)
	// Written down even if the work was cut short.
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), stopGrace)
	defer cancel()
	why := ""
	if f.reason != nil {
		why = f.reason.Error()
	}
	var err error
	if f.state == service.NoticeQueued {
		err = s.outbox.NoticesLater(ctx, b, f.at, why, !f.free)
	} else {
		err = s.outbox.NoticesEnd(ctx, b, f.state, s.now(), int64(f.id), why)
	}
	if err != nil {
		s.log.ErrorContext(ctx, "write down what became of a notice", "notice", b.Notices[0].ID, "kind", b.Kind, "state", f.state, "err", err)
	}
	if f.state == service.NoticeFailed || f.state == service.NoticeUnknown {
		s.log.WarnContext(ctx, "notice not delivered", "notice", b.Notices[0].ID, "kind", b.Kind, "state", f.state, "err", f.reason)
		s.lost(ctx, b)
	}
}

// lost tells whoever asked for it of notices that did not arrive.
func (s *Sender) lost(ctx context.Context, b service.NoticeBatch) {
	r := s.renderers[b.Kind]
	if r.Lost == nil {
		return
	}
	if err := r.Lost(ctx, b.Notices); err != nil {
		s.log.ErrorContext(ctx, "tell of a notice that did not arrive", "notice", b.Notices[0].ID, "kind", b.Kind, "err", err)
	}
}

// fate tries to send one batch.
func (s *Sender) fate(ctx context.Context, b service.NoticeBatch) fate {
	ctx, cancel := context.WithTimeout(ctx, noticeTimeout)
	defer cancel()
	r, known := s.renderers[b.Kind]
	if !known {
		return fate{state: service.NoticeFailed, reason: errors.New("nobody knows this kind")}
	}
	to, err := s.addressee(ctx, b.PersonID, r)
	switch {
	case err != nil && service.AsError(err).Kind == service.NotFound:
		return fate{state: service.NoticeSkipped, reason: errors.New("no rights any more")}
	case err != nil:
		return s.later(b, fmt.Errorf("to whom: %w", err))
	case b.Muted && b.Lane == service.LaneReminder:
		return fate{state: service.NoticeSkipped, reason: errors.New("muted")}
	case b.ChatID == 0:
		return fate{state: service.NoticeFailed, reason: errors.New("no chat")}
	case to.Unreachable && b.Lane >= service.LaneNews:
		return fate{state: service.NoticeSkipped, reason: chat.ErrBlocked}
	case to.Unreachable:
		return fate{state: service.NoticeFailed, reason: chat.ErrBlocked}
	}
	now := s.now()
	if at := service.QuietUntil(b.Lane, now, to.Zone); at.After(now) {
		if err := s.outbox.NoticesQuiet(ctx, b.PersonID, at); err != nil {
			s.log.ErrorContext(ctx, "quiet hours", "person", b.PersonID, "err", err)
		}
		return fate{state: service.NoticeQueued, at: at, free: true}
	}
	out, err := s.render(ctx, r, to, b)
	if err != nil {
		return s.later(b, fmt.Errorf("render: %w", err))
	}
	if out.Skip {
		return fate{state: service.NoticeSkipped}
	}
	ours, err := s.outbox.NoticesLeave(ctx, b, now)
	if err != nil {
		return s.later(b, err)
	}
	if !ours {
		return fate{state: service.NoticeSkipped} // changes nothing: the batch is another's
	}
	via := s.bulk
	if b.Lane == service.LaneAnswer {
		via = s.answers
	}
	id, err := s.deliver(ctx, via, b.ChatID, out)
	if err != nil {
		return s.undelivered(ctx, b, r, err)
	}
	if id != 0 && out.Sent != nil {
		if err := out.Sent(ctx, id); err != nil {
			s.log.ErrorContext(ctx, "remember a message", "notice", b.Notices[0].ID, "kind", b.Kind, "err", err)
		}
	}
	return fate{state: service.NoticeSent, id: id}
}

// addressee is the person to whom a notice goes. Whoever has no rights any more is
// NotFound, unless the notice goes to them too.
func (s *Sender) addressee(ctx context.Context, personID int64, r Renderer) (service.Actor, error) {
	to, err := s.people.ActorByID(ctx, personID)
	if !r.Anybody || err == nil || service.AsError(err).Kind != service.NotFound {
		return to, err
	}
	p, err := s.people.Person(ctx, personID)
	if err != nil {
		return to, err
	}
	return service.Actor{
		PersonID: p.ID, Name: p.Name, Language: p.Language, Zone: service.DefaultZone, Unreachable: p.UnreachableAt != nil,
	}, nil
}

// render finds the words; a panic is an error like others.
func (s *Sender) render(ctx context.Context, r Renderer, to service.Actor, b service.NoticeBatch) (out Outgoing, err error) {
	defer func() {
		if p := recover(); p != nil {
			s.log.ErrorContext(ctx, "panic", "notice", b.Notices[0].ID, "kind", b.Kind, "stack", string(debug.Stack()))
			err = panicked(p)
		}
	}()
	return r.Render(ctx, to, b.ChatID, b.Notices)
}

// deliver sends or edits and returns the message's id, 0 when there is none.
func (s *Sender) deliver(ctx context.Context, via chat.Client, chatID int64, out Outgoing) (int, error) {
	if out.EditID != 0 {
		m := out.Message
		m.ChatID = chatID
		err := via.Edit(ctx, out.EditID, m)
		var unknown *chat.UnknownOutcomeError
		switch {
		case err == nil:
			return out.EditID, nil
		case errors.As(err, &unknown):
			return 0, unknown.Err // an edit can be repeated
		case !errors.Is(err, chat.ErrGone):
			return 0, err
		case out.EditOnly:
			return 0, nil
		}
	}
	for i, m := range append(out.Before[:len(out.Before):len(out.Before)], out.Message) {
		m.ChatID = chatID
		m.Caption = false
		id, err := via.Send(ctx, m)
		if err != nil && i > 0 { // what came before has arrived
			return 0, &chat.UnknownOutcomeError{Method: "send", Err: err}
		}
		if err != nil {
			return 0, err
		}
		if i < len(out.Before) {
			continue
		}
		if out.DropID != 0 {
			if err := via.Delete(ctx, chatID, out.DropID); err != nil {
				s.log.WarnContext(ctx, "old message not deleted", "err", err)
			}
		}
		return id, nil
	}
	return 0, nil
}

// undelivered decides what a failed sending means.
func (s *Sender) undelivered(ctx context.Context, b service.NoticeBatch, r Renderer, err error) fate {
	var slow *chat.RateError
	var unknown *chat.UnknownOutcomeError
	var refused *chat.RefusedError
	switch {
	case errors.Is(err, chat.ErrBlocked):
		if err := s.blocked(ctx, b.PersonID); err != nil {
			s.log.ErrorContext(ctx, "write down that somebody cannot be reached", "person", b.PersonID, "err", err)
		}
		return fate{state: service.NoticeFailed, reason: err}
	case errors.As(err, &unknown) && !r.Repeat:
		return fate{state: service.NoticeUnknown, reason: err}
	case errors.As(err, &unknown):
		return s.later(b, err)
	case errors.As(err, &slow) && attempts(b) < maxRateAttempts:
		return fate{state: service.NoticeQueued, at: s.now().Add(slow.After), reason: err}
	case errors.As(err, &refused), errors.Is(err, chat.ErrTooBig):
		return fate{state: service.NoticeFailed, reason: err}
	}
	return s.later(b, err)
}

// later is the fate of what may go well another time: after 5, 20, 45 seconds
// and so on, the square of the attempt.
func (s *Sender) later(b service.NoticeBatch, err error) fate {
	n := attempts(b)
	if n >= maxNoticeAttempts {
		return fate{state: service.NoticeFailed, reason: err}
	}
	return fate{state: service.NoticeQueued, at: s.now().Add(time.Duration(n*n) * 5 * time.Second), reason: err}
}

// attempts is how often the oldest of a batch has been tried.
func attempts(b service.NoticeBatch) int { return b.Notices[0].Attempts }
