package service

import (
	"context"
	"fmt"
	"io"
	"time"
)

// UploadLink is an address of our own server at which one person sends scans of
// one exam that are too large for the chat. Its token is not kept, only the
// SHA-256 of it.
type UploadLink struct {
	ID        int64 `bun:",pk,autoincrement"`
	TokenHash []byte
	PersonID  int64
	ExamID    int64
	UpdateID  int64     // of the message that asked for it
	CreatedAt time.Time // UTC; when it was made, or last renewed
	ExpiresAt time.Time // UTC
	UsedAt    *time.Time
}

// uploadLinkLife is how long files can be begun at a link. Source: the product's
// owner.
const uploadLinkLife = 30 * time.Minute

// uploadLinkLate is how much longer a file may take that was begun in time: 100 MB
// over a slow telephone take most of an hour.
const uploadLinkLate = time.Hour

// maxUploadFiles is how many files one link takes: a photo of each page of two
// large exams.
const maxUploadFiles = 300

// UploadFile is a file that has come by a link.
type UploadFile struct {
	LinkID  int64  `bun:",pk"`
	Upload  string `bun:",pk"` // its name on the machine that took it
	BatchID int64
	Name    string    // as the sender called it, cleaned of what cannot be shown
	Size    int64     // bytes
	AddedAt time.Time // UTC
}

// UploadLinkQueries asks about links for uploads.
type UploadLinkQueries interface {
	// UploadLinkByHash returns the link with this hash of its token, whatever
	// became of it, or NotFound.
	UploadLinkByHash(ctx context.Context, hash []byte) (*UploadLink, error)
	// LivingUploadLinks returns which of the links are not used and end after a
	// moment.
	LivingUploadLinks(ctx context.Context, ids []int64, after time.Time) ([]int64, error)
	// UploadFiles lists what has come by a link since a moment, in the order in
	// which it came.
	UploadFiles(ctx context.Context, linkID int64, since time.Time) ([]UploadFile, error)
	// UploadFile returns one of them, nil when it has not come.
	UploadFile(ctx context.Context, linkID int64, upload string) (*UploadFile, error)
}

// UploadLinkCommands changes links for uploads.
type UploadLinkCommands interface {
	// PutUploadLink inserts the link, or gives the unused link of the same person
	// for the same exam its token and times; it sets l's ID.
	PutUploadLink(ctx context.Context, l *UploadLink) error
	// UploadLinkForUpdate returns a link and holds it, or NotFound.
	UploadLinkForUpdate(ctx context.Context, id int64) (*UploadLink, error)
	// UseUploadLink writes UsedAt.
	UseUploadLink(ctx context.Context, l *UploadLink) error
	// InsertUploadFile records a file that has come.
	InsertUploadFile(ctx context.Context, f *UploadFile) error
}

// The refusals of links for uploads. A link that was never given out, that is
// used or expired, and any link of somebody who works in the center no more, are
// one refusal: whoever tries learns nothing.
const (
	ReasonUploadLink      Reason = "upload_link.invalid"
	ReasonUploadLinkFiles Reason = "upload_link.too_many" // Data: FileBound in files
)

// UploadLinks gives people addresses of our own server for files that the chat
// cannot fetch, and takes what comes there.
type UploadLinks struct {
	store   Store
	batches *ScanBatches
	random  io.Reader
	now     Clock
}

// NewUploadLinks returns the use cases; random is a source fit for secrets.
func NewUploadLinks(store Store, batches *ScanBatches, random io.Reader, now Clock) *UploadLinks {
	return &UploadLinks{store: store, batches: batches, random: random, now: now}
}

// Give makes a link for the actor and an exam and returns its token, which is
// nowhere kept. It can be used for 30 minutes. Asked again, it takes the place of
// the one that was not used, with what has come there so far. It is refused as
// ScanBatches.Begin is.
func (s *UploadLinks) Give(ctx context.Context, by Actor, examID, updateID int64) (string, *UploadLink, error) {
	e, err := s.batches.Begin(ctx, by, examID)
	if err != nil {
		return "", nil, err
	}
	token, err := newToken(s.random)
	if err != nil {
		return "", nil, err
	}
	now := s.now().UTC()
	l := &UploadLink{
		TokenHash: hashToken(token), PersonID: by.PersonID, ExamID: e.ID, UpdateID: updateID,
		CreatedAt: now, ExpiresAt: now.Add(uploadLinkLife),
	}
	err = s.store.InTx(ctx, func(ctx context.Context, tx Tx) error {
		if err := holdStaff(ctx, tx, by.PersonID, e.CenterID); err != nil {
			return err
		}
		return tx.PutUploadLink(ctx, l)
	})
	if err != nil {
		return "", nil, fmt.Errorf("link for uploads to exam %d: %w", examID, err)
	}
	return token, l, nil
}

// holdStaff refuses whoever does not work in a center, and keeps the seat of
// whoever does from ending meanwhile.
func holdStaff(ctx context.Context, tx Tx, personID, centerID int64) error {
	held, err := tx.HoldSeat(ctx, personID, Seat{RoleCenterStaff, centerID})
	if err == nil && !held {
		err = refuse(Forbidden, ReasonForbidden)
	}
	return err
}

// UploadVisit is who comes by a link, and what for.
type UploadVisit struct {
	Link UploadLink
	By   Actor
	Exam *Exam
	Late bool // no more files can be begun; those that were may end
}

// Visit returns what a token leads to and changes nothing: messengers look at
// links by themselves. It leads to NotFound, ReasonUploadLink, unless the link is
// alive and its person works in the center of its exam.
func (s *UploadLinks) Visit(ctx context.Context, token string) (*UploadVisit, error) {
	l, err := s.byToken(ctx, token)
	if err != nil {
		return nil, err
	}
	now := s.now()
	if l.UsedAt != nil || !now.Before(l.ExpiresAt.Add(uploadLinkLate)) {
		return nil, refuse(NotFound, ReasonUploadLink)
	}
	v := &UploadVisit{Link: *l, Late: !now.Before(l.ExpiresAt)}
	v.By, v.Exam, err = s.entitled(ctx, s.store, l)
	return v, err
}

func (s *UploadLinks) byToken(ctx context.Context, token string) (*UploadLink, error) {
	if token == "" || len(token) > maxToken {
		return nil, refuse(NotFound, ReasonUploadLink)
	}
	l, err := s.store.UploadLinkByHash(ctx, hashToken(token))
	if err != nil {
		return nil, unlinked(err)
	}
	return l, nil
}

// entitled returns the person of a link and its exam, as long as the person works
// in its center.
func (s *UploadLinks) entitled(ctx context.Context, q Queries, l *UploadLink) (Actor, *Exam, error) {
	by, err := q.ActorByID(ctx, l.PersonID)
	if err != nil {
		return Actor{}, nil, unlinked(err)
	}
	e, err := q.Exam(ctx, by, l.ExamID)
	if err != nil {
		return Actor{}, nil, unlinked(err)
	}
	if isStaffOf(by, e.CenterID) != nil {
		return Actor{}, nil, refuse(NotFound, ReasonUploadLink)
	}
	return by, e, nil
}

// unlinked makes the one refusal of all links out of every other.
func unlinked(err error) error {
	if AsError(err).Kind == Internal {
		return fmt.Errorf("link for uploads: %w", err)
	}
	return refuse(NotFound, ReasonUploadLink)
}

// Files lists what has come by a link since it was made or renewed.
func (s *UploadLinks) Files(ctx context.Context, v *UploadVisit) ([]UploadFile, error) {
	list, err := s.store.UploadFiles(ctx, v.Link.ID, v.Link.CreatedAt)
	if err != nil {
		return nil, fmt.Errorf("files of link %d: %w", v.Link.ID, err)
	}
	return list, nil
}

// Came returns a file that has come by a link, nil when it has not.
func (s *UploadLinks) Came(ctx context.Context, linkID int64, upload string) (*UploadFile, error) {
	f, err := s.store.UploadFile(ctx, linkID, upload)
	if err != nil {
		return nil, fmt.Errorf("file of link %d: %w", linkID, err)
	}
	return f, nil
}

// MayBegin refuses a further file of a link that is late, or has taken enough.
func (s *UploadLinks) MayBegin(ctx context.Context, v *UploadVisit) error {
	if v.Late {
		return refuse(NotFound, ReasonUploadLink)
	}
	list, err := s.Files(ctx, v)
	if err != nil {
		return err
	}
	if n := len(list); n >= maxUploadFiles {
		return refuseWith(Invalid, ReasonUploadLinkFiles, FileBound{Limit: maxUploadFiles, Got: int64(n) + 1})
	}
	return nil
}

// Receive takes a file that has come by a link and lies in the file store under
// sha: it joins the person's batch of the exam as one that came in chat does. The
// same upload again changes nothing.
func (s *UploadLinks) Receive(ctx context.Context, in UploadFile, sha string) error {
	err := s.store.InTx(ctx, func(ctx context.Context, tx Tx) error {
		l, err := tx.UploadLinkForUpdate(ctx, in.LinkID)
		if err != nil {
			return unlinked(err)
		}
		have, err := tx.UploadFile(ctx, in.LinkID, in.Upload)
		if err != nil || have != nil {
			return err
		}
		now := s.now().UTC()
		if l.UsedAt != nil || !now.Before(l.ExpiresAt.Add(uploadLinkLate)) {
			return refuse(NotFound, ReasonUploadLink)
		}
		by, e, err := s.entitled(ctx, tx, l)
		if err != nil {
			return err
		}
		f := in
		f.Name, f.AddedAt = SafeName(in.Name), now
		b, err := s.batches.ReceiveStored(ctx, tx, by, StoredScans{ExamID: e.ID, SHA: sha, Name: f.Name, Size: f.Size, Session: true})
		if err != nil {
			return err
		}
		f.BatchID = b.ID
		return tx.InsertUploadFile(ctx, &f)
	})
	if err != nil {
		return fmt.Errorf("file of link %d: %w", in.LinkID, err)
	}
	return nil
}

// Coming says that a file is on its way by a link: the batch that it will join waits
// for it. It has to be said again before SessionPause is half over.
func (s *UploadLinks) Coming(ctx context.Context, v *UploadVisit) error {
	if err := s.batches.onTheirWay(ctx, v.By, v.Exam); err != nil {
		return fmt.Errorf("files of link %d are coming: %w", v.Link.ID, err)
	}
	return nil
}

// Finish uses a link up: its files have been handed over, and these were all.
// Finishing again changes nothing.
func (s *UploadLinks) Finish(ctx context.Context, token string) error {
	seen, err := s.byToken(ctx, token)
	if err != nil {
		return err
	}
	err = s.store.InTx(ctx, func(ctx context.Context, tx Tx) error {
		l, err := tx.UploadLinkForUpdate(ctx, seen.ID)
		if err != nil || l.UsedAt != nil {
			return err
		}
		by, e, err := s.entitled(ctx, tx, l)
		if err != nil {
			return err
		}
		now := s.now().UTC()
		l.UsedAt = &now
		if err := tx.UseUploadLink(ctx, l); err != nil {
			return err
		}
		return s.batches.sentAll(ctx, tx, by, e)
	})
	if err != nil {
		return fmt.Errorf("finish link %d: %w", seen.ID, err)
	}
	return nil
}

// Living returns which of the links files can still come by.
func (s *UploadLinks) Living(ctx context.Context, linkIDs []int64) ([]int64, error) {
	ids, err := s.store.LivingUploadLinks(ctx, linkIDs, s.now().UTC().Add(-uploadLinkLate))
	if err != nil {
		return nil, fmt.Errorf("links for uploads: %w", err)
	}
	return ids, nil
}
