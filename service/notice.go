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
	ID       int64           `bun:",pk,autoincrement"`
	PersonID int64           // to whom
	ChatID   int64           `bun:",scanonly"` // their private chat, 0 when they have none
	Kind     string          // Notice.NoticeKind
	Lane     Lane            // Notice.NoticeLane
	Payload  json.RawMessage `bun:"type:jsonb"` // the Notice
	Key      string          // Notice.NoticeKey
	State    NoticeState
	Attempts int       // 1 on the first try
	RunAt    time.Time // not before this moment
	Error    string    // of the last try
}

// NoticeState is what became of a notice.
type NoticeState string

// The states.
const (
	NoticeQueued    NoticeState = "queued"
	NoticeSending   NoticeState = "sending"   // claimed; the request may be on its way
	NoticeSent      NoticeState = "sent"      // the chat confirmed it
	NoticeSkipped   NoticeState = "skipped"   // no longer true when its turn came
	NoticeUnknown   NoticeState = "unknown"   // the request left, no answer came
	NoticeFailed    NoticeState = "failed"    // can never arrive
	NoticeDismissed NoticeState = "dismissed" // an admin has seen it and let it go
)

// NoticeQueries asks about the outbox.
type NoticeQueries interface {
}

// NoticeCommands is the outbox as seen from inside a transaction.
type NoticeCommands interface {
	// Enqueue promises that n will reach the person if, and only if, the
	// transaction commits, not before at (zero: at once).
	Enqueue(ctx context.Context, personID int64, n Notice, at time.Time) error
}
