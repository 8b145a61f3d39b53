package service

import (
	"context"
	"encoding/json"
	"fmt"
	"time"
)

// UploadPurpose is what a file sent in chat is for.
type UploadPurpose string

// The purposes; in brackets what the subject is, and what the file may be.
const (
	UploadProtocol UploadPurpose = "protocol" // the scan of a protocol (exam; PDF or picture)
	UploadNumbers  UploadPurpose = "numbers"  // registration numbers of ФИС ФРДО (exam; a table)
	UploadScan     UploadPurpose = "scan"     // the scan of one certificate (application; PDF or picture)
	UploadProfile  UploadPurpose = "profile"  // a blank profile (center; a table)
)

// UploadState is what has become of a file.
type UploadState string

// The states.
const (
	UploadWaiting  UploadState = "waiting"  // a worker fetches and checks it
	UploadAccepted UploadState = "accepted" //
	UploadRefused  UploadState = "refused"  // see Reason and Words
	UploadRemoved  UploadState = "removed"  // taken out, used, or another took its place
)

// Upload is a file that somebody has sent for something of an exam. It outlives
// the conversation: cancelling never loses a file.
type Upload struct {
	ID        int64 `bun:",pk,autoincrement"`
	PersonID  int64
	Purpose   UploadPurpose
	SubjectID int64  // the exam, the application or the center, by the purpose
	UpdateID  int64  // of the message that brought it
	ChatRef   string // file_id in the chat
	Name      string // as the sender called it, cleaned of what cannot be shown
	Size      int64  // bytes, as the chat told before the download
	State     UploadState
	Reason    Reason    // of the refusal
	Words     string    // of the refusal, plain
	Told      bool      // the person has been shown the refusal
	FileSHA   string    `bun:",nullzero"` // the original as it came
	CleanSHA  string    `bun:",nullzero"` // what others get: pictures re-encoded without metadata
	Type      string    // MIME type of the clean file
	Pages     int       // of a PDF, 1 for a picture, 0 for what has none
	AddedAt   time.Time // UTC

	// Of the scan of one certificate:
	Evidence json.RawMessage `bun:"type:jsonb,nullzero"` // PageReading; nil where nothing was read
	PageSHA  string          `bun:",nullzero"`           // the page as it was taken out of the file
	LinesSHA string          `bun:",nullzero"`           // picture of the lines of number and name; "" where no blank was found
}

// ReadingOf is what was read on the file; nil where nothing was.
func (u *Upload) ReadingOf() (*PageReading, error) { return readingOf(u.Evidence) }

// lies reports whether a file is there, or may turn out to be.
func (u *Upload) lies() bool { return u.State == UploadWaiting || u.State == UploadAccepted }

// UploadQueries asks about uploads.
type UploadQueries interface {
	// Upload returns NotFound when there is none.
	Upload(ctx context.Context, id int64) (*Upload, error)
	// NewestUpload returns the newest file that a person has sent for something
	// and not removed, nil when there is none.
	NewestUpload(ctx context.Context, personID int64, purpose UploadPurpose, subjectID int64) (*Upload, error)
}

// UploadCommands changes uploads.
type UploadCommands interface {
	// UploadForUpdate is Upload and holds the row.
	UploadForUpdate(ctx context.Context, id int64) (*Upload, error)
	// InsertUpload sets the new ID. It reports false for a second file of the same
	// update, which changes nothing: u becomes what the first one is by now.
	InsertUpload(ctx context.Context, u *Upload) (bool, error)
	SaveUpload(ctx context.Context, u *Upload) error
}

// The refusals of files sent for something of an exam.
const (
	ReasonUploadAlbum    Reason = "upload.album"     // several at once: which one is meant cannot be known
	ReasonUploadSecond   Reason = "upload.second"    // Data: name of the one that is there
	ReasonUploadMissing  Reason = "upload.missing"   // none is there yet
	ReasonUploadPending  Reason = "upload.pending"   // it is still being checked
	ReasonUploadNotPaper Reason = "upload.not_paper" // neither a PDF nor a picture
	ReasonUploadPages    Reason = "upload.pages"     // several pages where there must be one; Data: how many
)

// UploadInput is a file that a person has sent in chat for something of an exam.
type UploadInput struct {
	Purpose   UploadPurpose
	SubjectID int64
	UpdateID  int64  // of the message: the same one again is the same file
	ChatRef   string // file_id in the chat
	Name      string // as the sender called it
	Size      int64  // bytes, as the chat tells
	Album     bool   // sent together with others
}

// CheckUpload is the job that fetches a file and looks what it is.
type CheckUpload struct {
	UploadID int64 `json:"upload_id"`
}

// Kind names the job.
func (CheckUpload) Kind() string { return "check_upload" }

// JobOptions bound the tries: a person waits for the answer.
func (CheckUpload) JobOptions() JobOptions { return JobOptions{MaxAttempts: 5} }

// UploadNotice renews the living card of the conversation into which a file was
// sent, once the file has been looked at.
type UploadNotice struct {
	UploadID int64 `json:"upload_id"`
}

// NoticeKind names the notice.
func (UploadNotice) NoticeKind() string { return "upload" }

// NoticeLane is the lane of answers.
func (UploadNotice) NoticeLane() Lane { return LaneAnswer }

// NoticeKey keeps one: the card shows what is newest.
func (UploadNotice) NoticeKey() string { return "upload" }

// Examiner looks at a fetched file for one purpose. u has the hash and the size
// of the original, and local is a path under which it can be read. Every file of
// the answer must lie in the file store by then. An error that is not Internal
// refuses the file with its words. It may be called again for the same file.
type Examiner func(ctx context.Context, by Actor, u *Upload, local string) (Examined, error)

// Examined is what an Examiner found.
type Examined struct {
	Clean    File            // what others get: the original again, when nothing was made of it
	Pages    int             // 0 when it has none
	Evidence json.RawMessage // see Upload, as the next two; nil where nothing was read
	Page     File            // zero where none was taken out
	Lines    File            // zero where none were drawn
}

// Uploads takes the files that people send for something of an exam: a worker
// fetches each and looks what it is.
type Uploads struct {
	store     Store
	in        intake
	say       Say
	now       Clock
	examiners map[UploadPurpose]Examiner
}

// NewUploads returns the use cases over store. maxDownload is what the chat can
// fetch at most, in bytes; say finds the plain words of a refusal.
func NewUploads(store Store, chat ChatFiles, foreign Foreign, files FileStore, maxDownload int64, say Say, now Clock) *Uploads {
	return &Uploads{
		store: store, in: intake{chat, foreign, files, maxDownload}, say: say, now: now, examiners: make(map[UploadPurpose]Examiner),
	}
}

// Examine has files of a purpose looked at by e; without it a file must be a PDF
// or a picture. It is called before the first file comes.
func (s *Uploads) Examine(purpose UploadPurpose, e Examiner) { s.examiners[purpose] = e }

// Receive takes a file that somebody of the center's staff has sent and asks a
// worker to look at it. One file of theirs lies for a purpose and a subject: a
// second one, an album, or what the chat cannot fetch is refused at once and
// changes nothing. A file takes the place of one that was refused.
func (s *Uploads) Receive(ctx context.Context, by Actor, in UploadInput) (*Upload, error) {
	if in.Album {
		return nil, refuse(Invalid, ReasonUploadAlbum)
	}
	if err := s.in.fits(in.Size); err != nil {
		return nil, err
	}
	var out *Upload
	err := s.store.InTx(ctx, func(ctx context.Context, tx Tx) error {
		out = &Upload{
			PersonID: by.PersonID, Purpose: in.Purpose, SubjectID: in.SubjectID, UpdateID: in.UpdateID, ChatRef: in.ChatRef,
			Name: SafeName(in.Name), Size: in.Size, State: UploadWaiting, AddedAt: s.now().UTC(),
		}
		if err := maySend(ctx, tx, by, in.Purpose, in.SubjectID); err != nil {
			return err
		}
		if err := tx.HoldDraftFiles(ctx, by.PersonID); err != nil {
			return err
		}
		have, err := tx.NewestUpload(ctx, by.PersonID, in.Purpose, in.SubjectID)
		if err != nil {
			return err
		}
		isNew, err := tx.InsertUpload(ctx, out)
		if err != nil || !isNew {
			return err
		}
		if have != nil {
			if have.lies() {
				return refuseWith(Invalid, ReasonUploadSecond, have.Name)
			}
			have.State = UploadRemoved
			if err := tx.SaveUpload(ctx, have); err != nil {
				return err
			}
		}
		return tx.InsertJob(ctx, CheckUpload{UploadID: out.ID})
	})
	if err != nil {
		return nil, fmt.Errorf("receive file: %w", err)
	}
	return out, nil
}

// maySend refuses whoever does not work in the center of the subject, and keeps
// the seat of whoever does from ending meanwhile.
func maySend(ctx context.Context, tx Tx, by Actor, purpose UploadPurpose, subjectID int64) error {
	centerID, err := centerOfUpload(ctx, tx, by, purpose, subjectID)
	if err != nil {
		return err
	}
	held, err := tx.HoldSeat(ctx, by.PersonID, Seat{RoleCenterStaff, centerID})
	if err == nil && !held {
		err = refuse(Forbidden, ReasonForbidden)
	}
	return err
}

// centerOfUpload is the organisation whose staff may send a file.
func centerOfUpload(ctx context.Context, q Queries, by Actor, purpose UploadPurpose, subjectID int64) (int64, error) {
	examID := subjectID
	switch purpose {
	case UploadProfile:
		return subjectID, nil
	case UploadScan:
		a, err := q.Application(ctx, by, subjectID)
		if err != nil {
			return 0, err
		}
		examID = a.ExamID
	case UploadProtocol, UploadNumbers:
	}
	e, err := q.Exam(ctx, by, examID)
	if err != nil {
		return 0, err
	}
	return e.CenterID, nil
}

// Current returns the newest file that the actor has sent for something and not
// removed, nil when there is none. A refused one is it until the next comes.
func (s *Uploads) Current(ctx context.Context, by Actor, purpose UploadPurpose, subjectID int64) (*Upload, error) {
	u, err := s.store.NewestUpload(ctx, by.PersonID, purpose, subjectID)
	if err != nil {
		return nil, fmt.Errorf("file for %s %d: %w", purpose, subjectID, err)
	}
	return u, nil
}

// Remove takes one of the actor's own files out. Taking it out again changes
// nothing.
func (s *Uploads) Remove(ctx context.Context, by Actor, id int64) error {
	err := s.store.InTx(ctx, func(ctx context.Context, tx Tx) error {
		u, err := ownUpload(ctx, tx, by, id)
		if err != nil {
			return err
		}
		u.State = UploadRemoved
		return tx.SaveUpload(ctx, u)
	})
	if err != nil {
		return fmt.Errorf("remove file %d: %w", id, err)
	}
	return nil
}

// Tell notes that the actor has been shown why a file was refused.
func (s *Uploads) Tell(ctx context.Context, by Actor, id int64) error {
	err := s.store.InTx(ctx, func(ctx context.Context, tx Tx) error {
		u, err := ownUpload(ctx, tx, by, id)
		if err != nil || u.State != UploadRefused {
			return err
		}
		u.Told = true
		return tx.SaveUpload(ctx, u)
	})
	if err != nil {
		return fmt.Errorf("tell of file %d: %w", id, err)
	}
	return nil
}

// ownUpload returns a file of the actor's and holds it.
func ownUpload(ctx context.Context, tx Tx, by Actor, id int64) (*Upload, error) {
	u, err := tx.UploadForUpdate(ctx, id)
	if err == nil && u.PersonID != by.PersonID {
		return nil, refuse(NotFound, ReasonNotFound)
	}
	return u, err
}

// useUpload returns the actor's accepted file for a subject and marks it as used,
// or says what keeps it from being used. It holds the file: whoever holds the
// exam, too, has taken that before.
func useUpload(ctx context.Context, tx Tx, by Actor, id int64, purpose UploadPurpose, subjectID int64) (*Upload, error) {
	u, err := ownUpload(ctx, tx, by, id)
	if err != nil {
		return nil, err
	}
	switch {
	case u.Purpose != purpose || u.SubjectID != subjectID:
		return nil, refuse(NotFound, ReasonNotFound)
	case u.State == UploadWaiting:
		return nil, refuse(Invalid, ReasonUploadPending)
	case u.State != UploadAccepted:
		return nil, refuse(Invalid, ReasonUploadMissing)
	}
	u.State = UploadRemoved
	return u, tx.SaveUpload(ctx, u)
}

// Check is the job CheckUpload: it fetches the file, has it looked at, stores it
// and lets the conversation know. What cannot be used is refused with its words.
func (s *Uploads) Check(ctx context.Context, j CheckUpload) error {
	u, err := s.store.Upload(ctx, j.UploadID)
	if err != nil {
		return fmt.Errorf("check file %d: %w", j.UploadID, err)
	}
	if u.State != UploadWaiting {
		return nil
	}
	found, err := s.examine(ctx, u)
	if err != nil && AsError(err).Kind == Internal {
		return fmt.Errorf("check file %d: %w", u.ID, err)
	}
	return s.conclude(ctx, j, found, err)
}

// GiveUp ends the look at a file that failed every time: the person is asked to
// send it again, and an admin sees the job.
func (s *Uploads) GiveUp(ctx context.Context, j CheckUpload) error {
	return s.conclude(ctx, j, nil, refuse(Invalid, ReasonFileUnread))
}

// examine fetches a file and has it looked at.
func (s *Uploads) examine(ctx context.Context, u *Upload) (*examined, error) {
	by, err := s.store.ActorByID(ctx, u.PersonID)
	if err != nil {
		if AsError(err).Kind == NotFound { // every right has ended meanwhile
			return nil, refuse(Forbidden, ReasonForbidden)
		}
		return nil, err
	}
	original, err := s.in.fetch(ctx, u.ChatRef)
	if err != nil {
		return nil, err
	}
	local, release, err := s.in.files.Local(ctx, original.SHA256)
	if err != nil {
		return nil, fmt.Errorf("file at hand: %w", err)
	}
	defer release()
	e, special := s.examiners[u.Purpose]
	if !special {
		return s.in.anyPaper(ctx, original, local)
	}
	u.FileSHA, u.Size = original.SHA256, original.Size
	x, err := e(ctx, by, u, local)
	if err != nil {
		return nil, err
	}
	if x.Clean.SHA256 == original.SHA256 {
		original.Type = x.Clean.Type
	}
	return &examined{original: original, clean: x.Clean, pages: x.Pages, evidence: x.Evidence, page: x.Page, lines: x.Lines}, nil
}

// conclude writes what came of a look at a file, unless somebody has taken the
// file out meanwhile.
func (s *Uploads) conclude(ctx context.Context, j CheckUpload, found *examined, refusal error) error {
	words := ""
	if refusal != nil {
		e := AsError(refusal)
		var err error
		if words, err = s.say(e.Reason, e.Data); err != nil {
			return fmt.Errorf("check file %d: %w", j.UploadID, err)
		}
	}
	err := s.store.InTx(ctx, func(ctx context.Context, tx Tx) error {
		u, err := tx.UploadForUpdate(ctx, j.UploadID)
		if err != nil || u.State != UploadWaiting {
			return err
		}
		if refusal != nil {
			u.State, u.Reason, u.Words = UploadRefused, ReasonOf(refusal), words
		} else {
			if err := found.save(ctx, tx); err != nil {
				return err
			}
			u.State, u.FileSHA, u.CleanSHA = UploadAccepted, found.original.SHA256, found.clean.SHA256
			u.Size, u.Type, u.Pages = found.original.Size, found.clean.Type, found.pages
			u.Evidence, u.PageSHA, u.LinesSHA = found.evidence, found.page.SHA256, found.lines.SHA256
		}
		if err := tx.SaveUpload(ctx, u); err != nil {
			return err
		}
		return tx.Enqueue(ctx, u.PersonID, UploadNotice{UploadID: u.ID}, time.Time{})
	})
	if err != nil {
		return fmt.Errorf("check file %d: %w", j.UploadID, err)
	}
	return nil
}
