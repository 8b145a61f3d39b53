package service

import (
	"context"
	"fmt"
	"time"
)

// FailedNotice tells somebody that what they wait for failed every time it was
// tried. An admin sees the job among the troubles.
type FailedNotice struct {
	Job   string `json:"job"` // Job.Kind
	ActID int64  `json:"act_id,omitempty"`
}

// NoticeKind names the notice.
func (FailedNotice) NoticeKind() string { return "failed" }

// NoticeLane is the lane of answers.
func (FailedNotice) NoticeLane() Lane { return LaneAnswer }

// NoticeKey keeps every one.
func (FailedNotice) NoticeKey() string { return "" }

// giveUp tells a person that a job of theirs is given up.
func giveUp(ctx context.Context, store Store, personID int64, n FailedNotice) error {
	err := store.InTx(ctx, func(ctx context.Context, tx Tx) error { return tx.Enqueue(ctx, personID, n, time.Time{}) })
	if err != nil {
		return fmt.Errorf("give up %s of person %d: %w", n.Job, personID, err)
	}
	return nil
}
