package service

import (
	"context"
	"encoding/json"
	"time"
)

// MaxUpdateAttempts is how often an update is worked before it is set aside:
// often enough to outlive a restart of the database, seldom enough that the
// chat behind it moves on within a minute.
const MaxUpdateAttempts = 3

// UpdateKeep is how long worked updates are kept. The messenger repeats an
// update for 24 hours at most (Bot API, "Getting updates"); a week lets an admin
// look back.
const UpdateKeep = 7 * 24 * time.Hour

// RawUpdate is something that happened in a chat, as it came.
type RawUpdate struct {
	ID     int64           // given by the messenger; the same again is a repetition
	ChatID int64           // 0 when it belongs to no chat
	Raw    json.RawMessage // whole
}

// Update is a row of the inbox.
type Update struct {
	ID         int64           `bun:"update_id,pk"`
	ChatID     int64           // 0 when it belongs to no chat
	Raw        json.RawMessage `bun:"type:json"`
	State      UpdateState     // see the constants
	Attempts   int             // 1 on the first try
	RunAt      time.Time       // not worked before; the end of the lease while it is worked
	Error      string          // of the last try
	ReceivedAt time.Time       // UTC
	DoneAt     *time.Time      // UTC
}

// UpdateState is what became of an update.
type UpdateState string

// The states.
const (
	UpdateWaiting   UpdateState = "waiting"   // to be worked, being worked, or to be tried again
	UpdateDone      UpdateState = "done"      // worked
	UpdateSetAside  UpdateState = "set_aside" // failed every time; the chat goes on without it
	UpdateDismissed UpdateState = "dismissed" // an admin has seen it and let it go
)

// Inbox is the queue of updates as those who fill and work it see it. Each
// method is one statement and commits by itself.
type Inbox interface {
	// StoreUpdates keeps those that are not known yet and returns how many.
	StoreUpdates(ctx context.Context, us []RawUpdate) (int, error)
	// ClaimUpdates hands out the oldest waiting update of at most limit chats
	// and hides these chats from all others for lease. Chats after the given one
	// come first, so that none starves. An update whose holder dies comes up
	// again when the lease ends, with one attempt more.
	ClaimUpdates(ctx context.Context, afterChat int64, limit int, lease time.Duration) ([]Update, error)
	// HoldUpdates has the leases of those that their holders still work begin anew.
	HoldUpdates(ctx context.Context, us []Update, lease time.Duration) error
	// UpdateWorked ends the holder's work on u. It changes nothing when the lease
	// has run out and somebody else holds u.
	UpdateWorked(ctx context.Context, u Update) error
	// UpdateLater has u worked again after wait; its chat waits with it.
	UpdateLater(ctx context.Context, u Update, wait time.Duration, why string) error
	// UpdateAside gives up on u; its chat goes on.
	UpdateAside(ctx context.Context, u Update, why string) error
	// PruneUpdates forgets at most limit updates that ended before a moment and
	// returns how many.
	PruneUpdates(ctx context.Context, before time.Time, limit int) (int, error)
}

// UpdateQueries asks about the inbox.
type UpdateQueries interface {
	// UpdatesAside lists updates that were set aside, newest first, from offset
	// on, at most limit.
	UpdatesAside(ctx context.Context, offset, limit int) ([]Update, error)
	// UpdatesAsideCount counts them.
	UpdatesAsideCount(ctx context.Context) (int, error)
}

// UpdateCommands works the inbox by hand.
type UpdateCommands interface {
	// EndUpdateAside makes an update that was set aside wait again, with its
	// attempts counted anew, or dismisses it. It reports false for an update that
	// is not set aside.
	EndUpdateAside(ctx context.Context, id int64, to UpdateState, at time.Time) (bool, error)
}
