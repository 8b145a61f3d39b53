package post

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"math"
	"runtime/debug"
	"slices"
	"time"

	"flowbot/bot/chat"
	"flowbot/service"
)

const (
	// inboxWorkers is how many chats are worked at once. Most of a worker's time
	// is waiting, for the database and for the messenger's rates.
	inboxWorkers = 32
	// updateLease is longer than an update can be worked.
	updateLease = 2 * time.Minute
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
}

// NewInbox returns an inbox over the store.
func NewInbox(store service.Inbox, log *slog.Logger) *Inbox {
	return &Inbox{store: store, log: log, wake: make(chan struct{}, 1), after: math.MinInt64}
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
			us, err := in.claim(ctx, n)
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
		us, err := in.claim(ctx, inboxWorkers)
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

func (in *Inbox) claim(ctx context.Context, n int) ([]service.Update, error) {
	us, err := in.store.ClaimUpdates(ctx, in.after, n, updateLease)
	if err != nil {
		return nil, fmt.Errorf("claim updates: %w", err)
	}
	for _, u := range us {
		in.after = u.ChatID
	}
	return us, nil
}

// work handles one update and writes down what became of it.
func (in *Inbox) work(ctx context.Context, u service.Update, handle UpdateHandler) {
	err := errors.New("its workers died every time")
	if u.Attempts <= service.MaxUpdateAttempts || u.Error != "" {
		err = in.try(ctx, u, handle)
	}
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
			err = fmt.Errorf("panic: %v", p)
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
