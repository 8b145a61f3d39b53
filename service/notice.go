package service

import (
	"context"
	"encoding/json"
	"time"
)

// Lane orders messages of all people: a lower lane goes first.
type Lane int16

// The lanes. Answers and decisions arrive at any hour; news and reminders keep
// quiet hours.
const (
	LaneAnswer   Lane = 0 // what a press or a file of this person led to
	LaneDecision Lane = 1 // approved, rejected
	LaneNews     Lane = 2 // something became mine
	LaneReminder Lane = 3 // by the clock; can be muted
)

// Notice is a message to a person about something that happened. It carries
// ids; words, names and buttons are chosen when it is sent, from the state at
// that moment.
type Notice interface {
	// NoticeKind is the stable name stored in the outbox.
	NoticeKind() string
	// NoticeLane says how urgent it is.
	NoticeLane() Lane
	// NoticeKey gathers: of the notices to one person that still wait, one per
	// key is kept, with the newest facts. Empty: every one is sent.
	NoticeKey() string
}

// QueuedNotice is a row of the outbox.
type QueuedNotice struct {
	ID        int64           `bun:",pk,autoincrement"`
	PersonID  int64           // to whom
	Kind      string          // Notice.NoticeKind
	Lane      Lane            // Notice.NoticeLane
	Payload   json.RawMessage `bun:"type:jsonb"` // the Notice
	Key       string          // Notice.NoticeKey
	State     NoticeState     // see the constants
	Attempts  int             // 1 on the first try
	RunAt     time.Time       // not before this moment; the end of the lease while it is being sent
	Error     string          // of the last try
	CreatedAt time.Time       // UTC
	LeftAt    *time.Time      // UTC; since when the request may be on its way
	EndedAt   *time.Time      // UTC
	MessageID int64           `bun:",nullzero"` // in the chat, once sent
}

// NoticeState is what became of a notice.
type NoticeState string

// The states.
const (
	NoticeQueued    NoticeState = "queued"
	NoticeSending   NoticeState = "sending"   // claimed; on its way once LeftAt is set
	NoticeSent      NoticeState = "sent"      // the chat confirmed it
	NoticeSkipped   NoticeState = "skipped"   // no longer true when its turn came
	NoticeUnknown   NoticeState = "unknown"   // the request left, no answer came
	NoticeFailed    NoticeState = "failed"    // can never arrive
	NoticeDismissed NoticeState = "dismissed" // an admin has seen it and let it go
)

// NoticeBatch is what goes to one person as one message: the notices of one
// kind and lane that waited together, oldest first.
type NoticeBatch struct {
	PersonID int64
	ChatID   int64 // their private chat, 0 when they have none
	Muted    bool  // no reminders
	Kind     string
	Lane     Lane
	Claim    int64 // names the holder
	Notices  []QueuedNotice
}

// NoticeKeep is how long notices are kept once nothing more becomes of them: a
// year, for questions about who was told what and when.
const NoticeKeep = 365 * 24 * time.Hour

// Quiet hours, in the zone of whoever is told.
const (
	quietFrom = 21 // o'clock
	quietTill = 9
)

// QuietUntil returns the moment from which a message of the lane may arrive: now,
// or the end of the quiet hours, which hold for news and reminders. An unknown
// zone is DefaultZone.
func QuietUntil(lane Lane, now time.Time, zone string) time.Time {
	if lane < LaneNews {
		return now
	}
	loc, err := zoneOf(zone)
	if err != nil {
		if loc, err = zoneOf(DefaultZone); err != nil {
			return now
		}
	}
	t := now.In(loc)
	day := t.Day()
	switch {
	case t.Hour() >= quietFrom:
		day++
	case t.Hour() >= quietTill:
		return now
	}
	return time.Date(t.Year(), t.Month(), day, quietTill, 0, 0, 0, loc).UTC()
}

// Outbox is the queue of notices as its sender sees it. Each method is one
// statement and commits by itself. Moments come from the sender's clock.
type Outbox interface {
	// ClaimNotices hands out what is due to at most limit people, urgent lanes
	// first, one batch for each, and hides it and these people from other senders
	// until the lease ends. A person to whom something is being sent, or is to be
	// sent again later, is passed over: their messages keep their order.
	ClaimNotices(ctx context.Context, now time.Time, limit int, lease time.Duration) ([]NoticeBatch, error)
	// HoldNotices has the leases of claims that are still at work end at a later
	// moment.
	HoldNotices(ctx context.Context, claims []int64, until time.Time) error
	// NoticesLeave notes that the request goes out now: from here on a lost sender
	// means an unknown outcome. It reports false when the lease is over and the
	// batch belongs to somebody else.
	NoticesLeave(ctx context.Context, b NoticeBatch, now time.Time) (bool, error)
	// NoticesEnd writes what became of a batch: sent, skipped, unknown or failed.
	NoticesEnd(ctx context.Context, b NoticeBatch, to NoticeState, now time.Time, messageID int64, why string) error
	// NoticesLater puts a batch back, to be sent from a moment on. A try that was
	// no try, in quiet hours for instance, is not counted. Of a key that has been
	// queued anew, the newer notice stays.
	NoticesLater(ctx context.Context, b NoticeBatch, at time.Time, why string, counted bool) error
	// NoticesQuiet has a person's news and reminders wait until a moment.
	NoticesQuiet(ctx context.Context, personID int64, until time.Time) error
	// RecoverNotices looks at batches whose lease has run out. What had not left,
	// and kinds that may be repeated, is queued again; the rest is unknown. It
	// returns how many became what.
	RecoverNotices(ctx context.Context, now time.Time, repeatable []string) (queued, unknown int, err error)
	// PruneNotices forgets at most limit notices that were sent, skipped or
	// dismissed before a moment and returns how many.
	PruneNotices(ctx context.Context, before time.Time, limit int) (int, error)
}

// NoticeQueries asks about the outbox.
type NoticeQueries interface {
	// NoticesInTrouble lists unknown and failed notices, newest first, from offset
	// on, at most limit.
	NoticesInTrouble(ctx context.Context, offset, limit int) ([]QueuedNotice, error)
	// NoticeInTrouble returns one of them, nil when it is none.
	NoticeInTrouble(ctx context.Context, id int64) (*QueuedNotice, error)
	// NoticesInTroubleCount counts them.
	NoticesInTroubleCount(ctx context.Context) (int, error)
}

// NoticeCommands is the outbox as seen from inside a transaction.
type NoticeCommands interface {
	// Enqueue promises that n will reach the person if, and only if, the
	// transaction commits, not before at (zero: at once).
	Enqueue(ctx context.Context, personID int64, n Notice, at time.Time) error
	// EndNoticeTrouble queues a notice that is unknown or failed again, with its
	// attempts counted anew, or dismisses it. It reports false for a notice in
	// another state.
	EndNoticeTrouble(ctx context.Context, id int64, to NoticeState, now time.Time) (bool, error)
}
