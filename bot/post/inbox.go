package post

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"maps"
	"math"
	"runtime/debug"
	"slices"
	"sync"
	"time"

	"flowbot/bot/chat"
	"flowbot/service"
)

const (
	// inboxWorkers is how many chats are worked at once. Somebody who presses fast
	// makes a worker wait a second for each answer, for the messenger's rates:
	// there are enough that the others do not wait too.
	inboxWorkers = 128
	// lease is how long what a lost process held stays with it. Whoever lives holds
	// on to it every beat.
	lease = 20 * time.Second
	beat  = 5 * time.Second
	// stepLease is that of work in single steps, longer than each.
	stepLease = 10 * time.Minute
	// updateTimeout bounds the work on one update. Slow work is a job.
	updateTimeout = 90 * time.Second
	// inboxTick finds what no wake tells of: retries, leases that ran out, what
	// other replicas have stored and left.
	inboxTick = 500 * time.Millisecond
	// maxSlowAttempts is how often an update is tried whose answer met the
	// messenger's rates: the fault is not its own.
	maxSlowAttempts = 20
)

// stopGrace is how long work that has begun may go on after a stop.
const stopGrace = 20 * time.Second

// updatePauses are the pauses after a try that failed. Together they outlive a
// restart of the database or a minute without a network.
var updatePauses = []time.Duration{2 * time.Second, 30 * time.Second}

// UpdateHandler works one update. Updates of one chat come one after another; an
// error brings the same update again.
type UpdateHandler func(ctx context.Context, u service.Update) error

// Inbox works stored updates: chats side by side, each in order. Several
// replicas may run one each.
type Inbox struct {
	store service.Inbox
	log   *slog.Logger
	wake  chan struct{}
	after int64 // the chat that was claimed last, so that none starves

	mu   sync.Mutex
	held map[int64]service.Update // being worked, by id
}

// NewInbox returns an inbox over the store.
func NewInbox(store service.Inbox, log *slog.Logger) *Inbox {
	return &Inbox{store: store, log: log, wake: make(chan struct{}, 1), after: math.MinInt64, held: map[int64]service.Update{}}
}

// Wake says that something new may be in the store. It never blocks.
func (in *Inbox) Wake() {
	select {
	case in.wake <- struct{}{}:
	default: // it is awake
	}
}

// Run works updates until the context ends, then waits for those that are being
// worked, up to stopGrace.
func (in *Inbox) Run(ctx context.Context, handle UpdateHandler) {
	// What has begun goes on when the caller wants to stop.
	work, abandon := context.WithCancel(context.WithoutCancel(ctx))
	defer abandon()
	free := make(chan struct{}, inboxWorkers)
	for range inboxWorkers {
		free <- struct{}{}
	}
	beats := every(beat, func() { in.hold(work) })
	defer beats()
	tick := time.NewTicker(inboxTick)
	defer tick.Stop()
	for ctx.Err() == nil {
		select {
		case <-in.wake:
		case <-tick.C:
		case <-ctx.Done():
			continue
		}
		// Until a claim finds less than it could take.
		for ctx.Err() == nil {
			n := take(free)
			if n == 0 {
				break // a worker that ends wakes us
			}
			us, err := in.claim(ctx, n, lease)
			if err != nil && ctx.Err() == nil {
				in.log.ErrorContext(ctx, "claim updates", "err", err)
			}
			for range n - len(us) {
				free <- struct{}{}
			}
			for _, u := range us {
				go func() {
					defer in.Wake() // the chat's next one
					defer func() { free <- struct{}{} }()
					in.work(work, u, handle)
				}()
			}
			if len(us) < n {
				break
			}
		}
	}
	settle(free, inboxWorkers, abandon)
}

// WorkAll works updates one by one, oldest first among the chats' heads, until
// none can be worked now, and returns how many that were.
func (in *Inbox) WorkAll(ctx context.Context, handle UpdateHandler) (int, error) {
	done := 0
	for {
		us, err := in.claim(ctx, inboxWorkers, stepLease)
		if err != nil || len(us) == 0 {
			return done, err
		}
		slices.SortFunc(us, func(a, b service.Update) int { return int(a.ID - b.ID) })
		for _, u := range us {
			in.work(ctx, u, handle)
			done++
		}
	}
}

func (in *Inbox) claim(ctx context.Context, n int, lease time.Duration) ([]service.Update, error) {
	us, err := in.store.ClaimUpdates(ctx, in.after, n, lease)
	if err != nil {
		return nil, fmt.Errorf("claim updates: %w", err)
	}
	in.mu.Lock()
	defer in.mu.Unlock()
	for _, u := range us {
		in.after = u.ChatID
		in.held[u.ID] = u
	}
	return us, nil
}

// hold keeps what is being worked from being taken for lost.
func (in *Inbox) hold(ctx context.Context) {
	// Locked to the end: what is written down meanwhile is not to be undone.
	in.mu.Lock()
	defer in.mu.Unlock()
	if len(in.held) == 0 {
		return
	}
	if err := in.store.HoldUpdates(ctx, slices.Collect(maps.Values(in.held)), lease); err != nil && ctx.Err() == nil {
		in.log.ErrorContext(ctx, "hold updates", "err", err)
	}
}

// drop lets an update go that is about to be written down.
func (in *Inbox) drop(u service.Update) {
	in.mu.Lock()
	defer in.mu.Unlock()
	delete(in.held, u.ID)
}

// work handles one update and writes down what became of it.
func (in *Inbox) work(ctx context.Context, u service.Update, handle UpdateHandler) {
	err := errors.New("its workers died every time")
	if u.Attempts <= service.MaxUpdateAttempts || u.Error != "" {
		err = in.try(ctx, u, handle)
	}
	in.drop(u)
	// Written down even if the work was cut short.
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), stopGrace)
	defer cancel()
	var slow *chat.RateError
	switch {
	case err == nil, errors.Is(err, chat.ErrBlocked): // nobody is there to be answered
		err = in.store.UpdateWorked(ctx, u)
	case errors.As(err, &slow) && u.Attempts < maxSlowAttempts:
		err = in.store.UpdateLater(ctx, u, slow.After, err.Error())
	case u.Attempts >= service.MaxUpdateAttempts:
		in.log.ErrorContext(ctx, "update set aside", "update", u.ID, "attempts", u.Attempts, "err", err)
		err = in.store.UpdateAside(ctx, u, err.Error())
	default:
		in.log.WarnContext(ctx, "update failed, will be tried again", "update", u.ID, "attempt", u.Attempts, "err", err)
		err = in.store.UpdateLater(ctx, u, updatePauses[min(u.Attempts, len(updatePauses))-1], err.Error())
	}
	if err != nil {
		in.log.ErrorContext(ctx, "write down what became of an update", "update", u.ID, "err", err)
	}
}

// try handles one update; a panic is an error like others.
func (in *Inbox) try(ctx context.Context, u service.Update, handle UpdateHandler) (err error) {
	ctx, cancel := context.WithTimeout(ctx, updateTimeout)
	defer cancel()
	defer func() {
		if p := recover(); p != nil {
			in.log.ErrorContext(ctx, "panic", "update", u.ID, "stack", string(debug.Stack()))
			err = panicked(p)
		}
	}()
	return handle(ctx, u)
}

// take takes all that is in the channel and returns how many that were.
func take(free chan struct{}) int {
	for n := 0; ; n++ {
		select {
		case <-free:
		default:
			return n
		}
	}
}

// settle waits for all workers, and abandons them after stopGrace.
func settle(free chan struct{}, workers int, abandon func()) {
	grace := time.NewTimer(stopGrace)
	defer grace.Stop()
	for range workers {
		select {
		case <-free:
			continue
		case <-grace.C:
			abandon()
		}
		<-free
	}
}

// every calls do again and again until what it returns is called; then do is over.
func every(pause time.Duration, do func()) (stop func()) {
	t := time.NewTicker(pause)
	end, over := make(chan struct{}), make(chan struct{})
	go func() {
		defer close(over)
		for {
			select {
			case <-t.C:
				do()
			case <-end:
				return
			}
		}
	}()
	return func() {
		t.Stop()
		close(end)
		<-over
	}
}
