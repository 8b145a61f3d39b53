package service

import (
	"context"
	"fmt"
	"io"
	"strconv"
	"strings"
	"time"
)

// CandidateLanguages are the languages of those who sit exams; the first is the
// default. Each has its texts. Source: the product's owner.
var CandidateLanguages = []string{"ru", "uz", "tg", "ky", "az", "hy", "zh", "en"}

// LanguageOf returns the candidates' language of an IETF tag such as "uz" or
// "zh-hans", "" when there are no texts in it.
func LanguageOf(tag string) string {
	tag, _, _ = strings.Cut(strings.ToLower(strings.TrimSpace(tag)), "-")
	for _, l := range CandidateLanguages {
		if l == tag {
			return l
		}
	}
	return ""
}

// Delivery is one time at which a scan reached its candidate. A row is never
// changed.
type Delivery struct {
	ID            int64 `bun:",pk,autoincrement"`
	ApplicationID int64
	ScanID        int64
	PersonID      int64
	MessageID     int64     // in the person's chat
	SentAt        time.Time // UTC
}

// DeliveryNotice brings a loaded scan to its candidate.
type DeliveryNotice struct {
	ApplicationID int64
	ScanID        int64
}

// NoticeKind implements Notice.
func (DeliveryNotice) NoticeKind() string { return "delivery" }

// NoticeLane implements Notice: a certificate keeps quiet hours.
func (DeliveryNotice) NoticeLane() Lane { return LaneNews }

// NoticeKey implements Notice: a scan goes out once.
func (n DeliveryNotice) NoticeKey() string {
	return "delivery:" + strconv.FormatInt(n.ApplicationID, 10) + ":" + strconv.FormatInt(n.ScanID, 10)
}

// scheduleDelivery has the scan that was just loaded, a.ScanID, go to the
// application's candidate once hold has passed. Who is not linked yet gets it
// when they link. The caller saves the application.
func scheduleDelivery(ctx context.Context, sc *examScene, a *Application, hold time.Duration) error {
	at := sc.now.Add(hold)
	a.DeliverAt, a.DeliveredAt = &at, nil
	return enqueueDelivery(ctx, sc.tx, a, sc.now)
}

// enqueueDelivery has the sender bring what is due to a candidate, if there is
// anything and somebody to bring it to.
func enqueueDelivery(ctx context.Context, tx Tx, a *Application, now time.Time) error {
	if a.PersonID == 0 || a.ScanID == 0 || a.DeliverAt == nil || a.DeliveredAt != nil {
		return nil
	}
	at := *a.DeliverAt
	if at.Before(now) {
		at = now
	}
	if err := tx.Enqueue(ctx, a.PersonID, DeliveryNotice{ApplicationID: a.ID, ScanID: a.ScanID}, at); err != nil {
		return fmt.Errorf("deliver application %d: %w", a.ID, err)
	}
	return nil
}

// CandidateQueries asks about candidates.
type CandidateQueries interface{}

// CandidateCommands changes what is known of candidates.
type CandidateCommands interface{}

// Candidates brings those who sit exams to the bot, and their certificates to
// them.
type Candidates struct {
	store   Store
	people  *People
	printer Printer
	files   FileStore
	random  io.Reader
	hold    time.Duration
	now     Clock
}

// NewCandidates returns the use cases over store. Random must be a source fit
// for secrets; hold is how long a loaded scan waits before it goes out.
func NewCandidates(store Store, people *People, printer Printer, files FileStore, random io.Reader, hold time.Duration, now Clock) *Candidates {
	return &Candidates{store: store, people: people, printer: printer, files: files, random: random, hold: hold, now: now}
}
