package service

import (
	"context"
	"fmt"
	"path"
	"slices"
	"strings"
	"time"
	"unicode"
	"unicode/utf8"
)

// Journal is one version of a cohort's journal with its screenshots. No version
// is ever changed or destroyed; a newer one takes its place.
type Journal struct {
	ID         int64 `bun:",pk,autoincrement"`
	CohortID   int64
	Version    int // from 1
	UploadedBy int64
	UploadedAt time.Time  // UTC
	RejectedBy int64      `bun:",nullzero"`
	RejectedAt *time.Time // UTC; nil while it stands
	Comment    string     // why it was rejected
	SheetSHA   string     `bun:",nullzero"` // contact sheet, "" until drawn
}

// JournalKind is what a file of a package is.
type JournalKind string

// The kinds of files.
const (
	KindUnknown    JournalKind = "" // must be asked
	KindJournal    JournalKind = "journal"
	KindScreenshot JournalKind = "screenshot"
)

// JournalFile is a file of one version of a journal.
type JournalFile struct {
	ID        int64 `bun:",pk,autoincrement"`
	JournalID int64
	Kind      JournalKind
	Position  int    // among the files of its kind, from 1
	Name      string // as the sender called it
	FileSHA   string // the original as it came
	CleanSHA  string // what others get: pictures re-encoded without metadata
	Pages     int

	Size int64 `bun:",scanonly"` // bytes of the original
}

// DraftFile is a file sent into a conversation and not yet part of a journal.
// It outlives the conversation: cancelling never loses a file.
type DraftFile struct {
	ID       int64 `bun:",pk,autoincrement"`
	PersonID int64
	CohortID int64       `bun:",nullzero"` // 0 while nobody has said what it is for
	UpdateID int64       // of the message that brought it; 0 when kept from a version
	ChatRef  string      // file_id in the chat; empty when kept from a version
	Kind     JournalKind // KindUnknown while it must be asked
	Name     string      // as the sender called it, cleaned of what cannot be shown
	Size     int64       // bytes, as the chat told before the download
	State    DraftFileState
	Reason   Reason // of the refusal
	Told     bool   // the person has been shown the refusal
	FileSHA  string `bun:",nullzero"`
	CleanSHA string `bun:",nullzero"`
	Pages    int
	AddedAt  time.Time // UTC

	KeptVersion int `bun:",nullzero"` // the version of the journal that it was kept from; 0 when sent in chat
}

// DraftFileState is what has become of a file.
type DraftFileState string

// The states.
const (
	DraftWaiting  DraftFileState = "waiting"  // a worker fetches and checks it
	DraftAccepted DraftFileState = "accepted" //
	DraftRefused  DraftFileState = "refused"  // see Reason; forgotten once the person has seen why and gone on
	DraftRemoved  DraftFileState = "removed"  // taken out, or sent as part of a journal
)

// maxScreenshots is how many screenshots one journal may have. Source: the
// journal's specification (any order and number up to 20).
const maxScreenshots = 20

// The refusals about journals.
const (
	ReasonJournalMissing     Reason = "journal.missing"              // the PDF is not there yet
	ReasonScreenshotsMissing Reason = "journal.screenshots_missing"  // at least one is required
	ReasonTooManyScreenshots Reason = "journal.too_many_screenshots" // Data: maxScreenshots
	ReasonTwoJournals        Reason = "journal.two"                  // one PDF is the journal
	ReasonFilesPending       Reason = "journal.files_pending"        // some are still being checked
	ReasonKindUnknown        Reason = "journal.kind_unknown"         // a file's purpose must be said first
	ReasonNothingWaits       Reason = "journal.nothing_waits"        // no act of the cohort takes a journal now
)

// SubmitInput says which package is sent.
type SubmitInput struct {
	CohortID    int64
	BaseVersion int // newest version of the journal when the conversation began
}

// Submit makes the person's accepted draft files of a cohort its next journal
// version and sends every act that is not approved to approval with it. It
// refuses as long as the package is not whole, and with a Conflict when
// somebody else has sent a version meanwhile or holds an act for review.
func (s *Acts) Submit(ctx context.Context, by Actor, in SubmitInput) (*Journal, error) {
	var out *Journal
	err := s.atCohort(ctx, by, in.CohortID, func(ctx context.Context, sc *scene) error {
		if err := isPartner(actMove{by: sc.by, cohort: sc.cohort}); err != nil {
			return err
		}
		if sc.cohort.JournalVersion != in.BaseVersion {
			return movedOn(ctx, sc.tx, sc.by, SubjectCohort, sc.cohort.ID, nil)
		}
		if err := sc.tx.HoldDraftFiles(ctx, by.PersonID); err != nil {
			return err
		}
		files, err := sc.tx.DraftFiles(ctx, by.PersonID, sc.cohort.ID)
		if err != nil {
			return err
		}
		files, err = wholePackage(sc.cohort, files)
		if err != nil {
			return err
		}
		out = &Journal{CohortID: sc.cohort.ID, Version: in.BaseVersion + 1, UploadedBy: by.PersonID, UploadedAt: sc.now}
		if err := sc.tx.InsertJournal(ctx, out); err != nil {
			return err
		}
		if err := sc.keepFiles(ctx, out, files); err != nil {
			return err
		}
		moved, err := sc.sendAll(ctx, out)
		if err != nil {
			return err
		}
		if moved == 0 {
			return refuse(Conflict, ReasonNothingWaits)
		}
		sc.cohort.JournalVersion = out.Version
		return sc.touchCohort(ctx, string(ActSubmit))
	})
	if err != nil {
		return nil, fmt.Errorf("submit journal of cohort %d: %w", in.CohortID, err)
	}
	return out, nil
}

// wholePackage returns the files that make the package, the journal first, or
// says what is missing.
func wholePackage(c *Cohort, files []DraftFile) ([]DraftFile, error) {
	var journal, screenshots []DraftFile
	for _, f := range files {
		switch {
		case f.State == DraftWaiting:
			return nil, refuse(Invalid, ReasonFilesPending)
		case f.State != DraftAccepted:
		case f.Kind == KindJournal:
			journal = append(journal, f)
		case f.Kind == KindScreenshot:
			screenshots = append(screenshots, f)
		default:
			return nil, refuse(Invalid, ReasonKindUnknown)
		}
	}
	switch {
	case len(journal) == 0:
		return nil, refuse(Invalid, ReasonJournalMissing)
	case len(journal) > 1:
		return nil, refuse(Invalid, ReasonTwoJournals)
	case len(screenshots) == 0 && c.NeedsScreenshots():
		return nil, refuse(Invalid, ReasonScreenshotsMissing)
	case len(screenshots) > maxScreenshots:
		return nil, refuseWith(Invalid, ReasonTooManyScreenshots, maxScreenshots)
	}
	return append(journal, screenshots...), nil
}

// keepFiles makes draft files part of a journal version.
func (sc *scene) keepFiles(ctx context.Context, j *Journal, files []DraftFile) error {
	kept := make([]JournalFile, 0, len(files))
	position := make(map[JournalKind]int, 2)
	for i := range files {
		f := &files[i]
		position[f.Kind]++
		kept = append(kept, JournalFile{
			JournalID: j.ID, Kind: f.Kind, Position: position[f.Kind], Name: f.Name,
			FileSHA: f.FileSHA, CleanSHA: f.CleanSHA, Pages: f.Pages,
		})
		f.State = DraftRemoved
		if err := sc.tx.SaveDraftFile(ctx, f); err != nil {
			return err
		}
	}
	return sc.tx.InsertJournalFiles(ctx, kept)
}

// sendAll sends every act that a new journal version concerns to approval and
// returns how many.
func (sc *scene) sendAll(ctx context.Context, j *Journal) (int, error) {
	moved := 0
	for i := range sc.acts {
		a := &sc.acts[i]
		var ev ActEvent
		switch a.Status {
		case ActAwaitingJournal:
			ev = ActSubmit
		case ActInApproval, ActRejected:
			ev = ActReplace
		case ActApproved, ActCancelled:
			continue
		}
		if err := sc.move(ctx, a, deed{event: ev, by: sc.by, person: sc.by.PersonID, journal: j.Version}); err != nil {
			return moved, fmt.Errorf("%s act %d: %w", ev, a.ID, err)
		}
		moved++
	}
	return moved, nil
}

// maxDraftFiles is how many files may lie in one conversation at once: the
// journal, the screenshots and some that wait to be told apart.
const maxDraftFiles = 1 + maxScreenshots + 4

// The refusals of files sent into a conversation.
const (
	ReasonTooManyFiles  Reason = "journal.too_many_files" // Data: maxDraftFiles
	ReasonFileOverLimit Reason = "file.over_limit"        // Data: FileBound in bytes; the chat cannot fetch it
	ReasonFileUnread    Reason = "file.unread"            // our fault, every time: it must be sent again
)

// ReceiveInput is a file that a person has sent in chat.
type ReceiveInput struct {
	CohortID int64  // 0 when nobody has said what it is for
	UpdateID int64  // of the message: the same one again is the same file
	ChatRef  string // file_id in the chat
	Name     string // as the sender called it
	Size     int64  // bytes, as the chat tells
	Photo    bool   // sent as a photo, which can only be a screenshot
}

// CheckFile is the job that fetches a draft file and looks what it is.
type CheckFile struct {
	DraftFileID int64 `json:"draft_file_id"`
}

// Kind names the job.
func (CheckFile) Kind() string { return "check_file" }

// JobOptions bound the tries: a person waits for the answer.
func (CheckFile) JobOptions() JobOptions { return JobOptions{MaxAttempts: 5} }

// DraftNotice renews the living card of the conversation into which a file was
// sent, once the file has been looked at.
type DraftNotice struct {
	CohortID int64 `json:"cohort_id"` // 0 when nobody has said what the file is for
}

// NoticeKind names the notice.
func (DraftNotice) NoticeKind() string { return "draft" }

// NoticeLane is the lane of answers.
func (DraftNotice) NoticeLane() Lane { return LaneAnswer }

// NoticeKey gathers the files of an album into one renewal.
func (DraftNotice) NoticeKey() string { return "draft" }

// Journals holds the use cases around the files of a package before it is sent.
type Journals struct {
	store   Store
	in      intake
	foreign Foreign
	files   FileStore
	now     Clock
}

// NewJournals returns the use cases over store. maxDownload is what the chat
// can fetch at most, in bytes.
func NewJournals(store Store, chat ChatFiles, foreign Foreign, files FileStore, maxDownload int64, now Clock) *Journals {
	return &Journals{store: store, in: intake{chat, foreign, files, maxDownload}, foreign: foreign, files: files, now: now}
}

// Receive takes a file into the person's conversation about a cohort and asks a
// worker to look at it. A file that is too large for the chat, one too many, or
// one from somebody who represents no partner is refused at once and changes
// nothing.
func (s *Journals) Receive(ctx context.Context, by Actor, in ReceiveInput) (*DraftFile, error) {
	if err := s.in.fits(in.Size); err != nil {
		return nil, err
	}
	f := &DraftFile{
		PersonID: by.PersonID, CohortID: in.CohortID, UpdateID: in.UpdateID, ChatRef: in.ChatRef,
		Name: SafeName(in.Name), Size: in.Size, State: DraftWaiting, AddedAt: s.now().UTC(),
	}
	if in.Photo {
		f.Kind = KindScreenshot
	}
	if in.CohortID == 0 && !by.Has(RolePartnerRep) {
		return nil, refuse(Forbidden, ReasonForbidden)
	}
	err := s.store.InTx(ctx, func(ctx context.Context, tx Tx) error {
		if in.CohortID != 0 {
			if _, err := partnersCohort(ctx, tx, by, in.CohortID); err != nil {
				return err
			}
		}
		if err := tx.HoldDraftFiles(ctx, by.PersonID); err != nil {
			return err
		}
		have, err := tx.DraftFiles(ctx, by.PersonID, in.CohortID)
		if err != nil {
			return err
		}
		for i := range have {
			if have[i].UpdateID == in.UpdateID {
				*f = have[i]
				return nil
			}
		}
		if len(have) >= maxDraftFiles {
			return refuseWith(Invalid, ReasonTooManyFiles, maxDraftFiles)
		}
		if err := tx.InsertDraftFile(ctx, f); err != nil {
			return err
		}
		if f.State != DraftWaiting {
			return nil // the same update once more, after its file was taken out
		}
		return tx.InsertJob(ctx, CheckFile{DraftFileID: f.ID})
	})
	if err != nil {
		return nil, fmt.Errorf("receive file: %w", err)
	}
	return f, nil
}

// partnersCohort holds a cohort for somebody who represents its partner, and the
// seat by which they do.
func partnersCohort(ctx context.Context, tx Tx, by Actor, id int64) (*Cohort, error) {
	c, err := tx.CohortForUpdate(ctx, by, id)
	if err != nil {
		return nil, err
	}
	held, err := tx.HoldSeat(ctx, by.PersonID, Seat{RolePartnerRep, c.PartnerID})
	if err == nil && !held {
		err = refuse(Forbidden, ReasonForbidden)
	}
	return c, err
}

// Check is the job CheckFile: it fetches the file, looks at it in a child
// process, stores it and lets the conversation know. What cannot be used is
// refused with its reason; nothing that was accepted before changes.
func (s *Journals) Check(ctx context.Context, j CheckFile) error {
	f, err := s.store.DraftFile(ctx, j.DraftFileID)
	if err != nil {
		return fmt.Errorf("check file %d: %w", j.DraftFileID, err)
	}
	if f.State != DraftWaiting {
		return nil
	}
	found, err := s.examine(ctx, f)
	if err != nil && AsError(err).Kind == Internal {
		return fmt.Errorf("check file %d: %w", f.ID, err)
	}
	return s.conclude(ctx, j, found, ReasonOf(err))
}

// GiveUp ends the look at a file that failed every time: the person is asked to
// send it again, and an admin sees the job.
func (s *Journals) GiveUp(ctx context.Context, j CheckFile) error {
	return s.conclude(ctx, j, nil, ReasonFileUnread)
}

// conclude writes what came of a look at a file, unless somebody has taken the
// file out meanwhile.
func (s *Journals) conclude(ctx context.Context, j CheckFile, found *examined, refusal Reason) error {
	err := s.store.InTx(ctx, func(ctx context.Context, tx Tx) error {
		f, err := tx.DraftFile(ctx, j.DraftFileID)
		if err != nil {
			return err
		}
		// Two PDFs of one album must not both find that there is no journal yet.
		if err := tx.HoldDraftFiles(ctx, f.PersonID); err != nil {
			return err
		}
		if f, err = tx.DraftFileForUpdate(ctx, j.DraftFileID); err != nil || f.State != DraftWaiting {
			return err
		}
		if refusal != "" {
			f.State, f.Reason = DraftRefused, refusal
		} else {
			if err := found.save(ctx, tx); err != nil {
				return err
			}
			have, err := tx.DraftFiles(ctx, f.PersonID, f.CohortID)
			if err != nil {
				return err
			}
			f.State, f.FileSHA, f.CleanSHA, f.Pages = DraftAccepted, found.original.SHA256, found.clean.SHA256, found.pages
			f.Size = found.original.Size
			f.Kind = found.purpose(f, have)
		}
		if err := tx.SaveDraftFile(ctx, f); err != nil {
			return err
		}
		at := time.Time{}
		waiting, err := tx.DraftFiles(ctx, f.PersonID, f.CohortID)
		if err != nil {
			return err
		}
		if slices.ContainsFunc(waiting, func(o DraftFile) bool { return o.State == DraftWaiting }) {
			at = s.now().Add(burst)
		}
		return tx.Enqueue(ctx, f.PersonID, DraftNotice{CohortID: f.CohortID}, at)
	})
	if err != nil {
		return fmt.Errorf("check file %d: %w", j.DraftFileID, err)
	}
	return nil
}

// purpose tells what an accepted file is for: a picture is a screenshot, the
// first PDF is the journal, a second one must be asked about.
func (e *examined) purpose(f *DraftFile, have []DraftFile) JournalKind {
	if e.kind == ForeignImage {
		return KindScreenshot
	}
	for i := range have {
		other := &have[i]
		if other.ID != f.ID && other.State == DraftAccepted && other.Kind == KindJournal {
			return KindUnknown
		}
	}
	return KindJournal
}

// examine fetches a file, stores it and looks at it.
func (s *Journals) examine(ctx context.Context, f *DraftFile) (*examined, error) {
	original, err := s.in.fetch(ctx, f.ChatRef)
	if err != nil {
		return nil, err
	}
	local, release, err := s.in.files.Local(ctx, original.SHA256)
	if err != nil {
		return nil, fmt.Errorf("file at hand: %w", err)
	}
	defer release()
	if f.Kind == KindScreenshot {
		return s.in.picture(ctx, original, local)
	}
	return s.in.paper(ctx, original, local, pdfName(f.Name))
}

// pdfName reports whether the sender meant the file to be a PDF.
func pdfName(name string) bool { return strings.EqualFold(path.Ext(name), ".pdf") }

// Files lists what the person has sent for a cohort, oldest first. Refused
// files are in it until Forget.
func (s *Journals) Files(ctx context.Context, by Actor, cohortID int64) ([]DraftFile, error) {
	files, err := s.store.DraftFiles(ctx, by.PersonID, cohortID)
	if err != nil {
		return nil, fmt.Errorf("draft files of cohort %d: %w", cohortID, err)
	}
	return files, nil
}

// SetKind says what an accepted file is for. A file that becomes the journal
// takes the place of the one that was. Only a PDF can be the journal.
func (s *Journals) SetKind(ctx context.Context, by Actor, id int64, kind JournalKind) error {
	return s.change(ctx, by, id, func(ctx context.Context, tx Tx, f *DraftFile) error {
		switch {
		case f.State == DraftWaiting:
			return refuse(Conflict, ReasonFilesPending)
		case f.State != DraftAccepted || kind == KindUnknown:
			return refuse(NotFound, ReasonNotFound)
		case kind == KindScreenshot:
			f.Kind = kind
			return nil
		}
		stored, err := tx.File(ctx, f.FileSHA)
		if err != nil {
			return err
		}
		if stored.Type != typePDF {
			return refuse(Invalid, ReasonFileIsPicture)
		}
		have, err := tx.DraftFiles(ctx, by.PersonID, f.CohortID)
		if err != nil {
			return err
		}
		for i := range have {
			if other := &have[i]; other.ID != f.ID && other.Kind == KindJournal {
				other.State = DraftRemoved
				if err := tx.SaveDraftFile(ctx, other); err != nil {
					return err
				}
			}
		}
		f.Kind = kind
		return nil
	})
}

// typePDF is the MIME type of a file that can be a journal.
const typePDF = "application/pdf"

// Remove takes a file out of the conversation. The stored blob stays.
func (s *Journals) Remove(ctx context.Context, by Actor, id int64) error {
	return s.change(ctx, by, id, func(_ context.Context, _ Tx, f *DraftFile) error {
		f.State = DraftRemoved
		return nil
	})
}

// Assign says for which cohort the files are that came out of the blue.
func (s *Journals) Assign(ctx context.Context, by Actor, cohortID int64) error {
	err := s.store.InTx(ctx, func(ctx context.Context, tx Tx) error {
		if _, err := partnersCohort(ctx, tx, by, cohortID); err != nil {
			return err
		}
		if err := tx.HoldDraftFiles(ctx, by.PersonID); err != nil {
			return err
		}
		loose, err := tx.DraftFiles(ctx, by.PersonID, 0)
		if err != nil {
			return err
		}
		have, err := tx.DraftFiles(ctx, by.PersonID, cohortID)
		if err != nil {
			return err
		}
		for i := range loose {
			f := &loose[i]
			f.CohortID = cohortID
			for j := range have {
				if f.Kind == KindJournal && have[j].Kind == KindJournal {
					f.Kind = KindUnknown
				}
			}
			if err := tx.SaveDraftFile(ctx, f); err != nil {
				return err
			}
		}
		return nil
	})
	if err != nil {
		return fmt.Errorf("assign files to cohort %d: %w", cohortID, err)
	}
	return nil
}

// Begin opens the conversation about a cohort's package. It starts from the
// files of the newest version of the journal, each of which can be kept, removed
// or replaced, and from what the person has sent before; a journal that they have
// sent takes the place of the version's. Beginning again finds what was left,
// and brings the version's files back only when nothing is. Files kept from an
// older version make room: somebody has replaced it meanwhile. It returns the
// newest version, for SubmitInput.
func (s *Journals) Begin(ctx context.Context, by Actor, cohortID int64) (base int, err error) {
	err = s.store.InTx(ctx, func(ctx context.Context, tx Tx) error {
		c, err := partnersCohort(ctx, tx, by, cohortID)
		if err != nil {
			return err
		}
		base = c.JournalVersion
		if err := tx.HoldDraftFiles(ctx, by.PersonID); err != nil {
			return err
		}
		have, err := currentFiles(ctx, tx, by.PersonID, c)
		if err != nil || base == 0 {
			return err
		}
		kept, err := tx.KeptBefore(ctx, by.PersonID, cohortID, base)
		if err != nil || kept && len(have) > 0 {
			return err
		}
		return s.keepVersion(ctx, tx, by.PersonID, c, have)
	})
	if err != nil {
		return 0, fmt.Errorf("begin package of cohort %d: %w", cohortID, err)
	}
	return base, nil
}

// currentFiles returns the person's draft files of a cohort after removing those
// that were kept from a version which is not the newest any more.
func currentFiles(ctx context.Context, tx Tx, personID int64, c *Cohort) ([]DraftFile, error) {
	have, err := tx.DraftFiles(ctx, personID, c.ID)
	if err != nil {
		return nil, err
	}
	var current []DraftFile
	for i := range have {
		f := &have[i]
		if f.KeptVersion == 0 || f.KeptVersion == c.JournalVersion {
			current = append(current, *f)
			continue
		}
		f.State = DraftRemoved
		if err := tx.SaveDraftFile(ctx, f); err != nil {
			return nil, err
		}
	}
	return current, nil
}

// keepVersion makes the files of the cohort's newest journal draft files.
func (s *Journals) keepVersion(ctx context.Context, tx Tx, personID int64, c *Cohort, have []DraftFile) error {
	hasJournal := slices.ContainsFunc(have, func(f DraftFile) bool { return f.Kind == KindJournal })
	j, err := tx.Journal(ctx, c.ID, c.JournalVersion)
	if err != nil {
		return err
	}
	files, err := tx.JournalFiles(ctx, j.ID)
	if err != nil {
		return err
	}
	for _, k := range files {
		if k.Kind == KindJournal && hasJournal {
			continue
		}
		err := tx.InsertDraftFile(ctx, &DraftFile{
			PersonID: personID, CohortID: c.ID, Kind: k.Kind, Name: k.Name, Size: k.Size, KeptVersion: j.Version,
			State: DraftAccepted, FileSHA: k.FileSHA, CleanSHA: k.CleanSHA, Pages: k.Pages, AddedAt: s.now().UTC(),
		})
		if err != nil {
			return err
		}
	}
	return nil
}

// Tell notes that the person has been shown why the refused among the files were
// refused.
func (s *Journals) Tell(ctx context.Context, by Actor, files []DraftFile) error {
	for i := range files {
		if files[i].State != DraftRefused || files[i].Told {
			continue
		}
		err := s.change(ctx, by, files[i].ID, func(_ context.Context, _ Tx, f *DraftFile) error {
			f.Told = true
			return nil
		})
		if err != nil {
			return err
		}
	}
	return nil
}

// Forget drops the refused files of which the person has been told, when they go
// on. What was refused since is still to be told.
func (s *Journals) Forget(ctx context.Context, by Actor, cohortID int64) error {
	files, err := s.Files(ctx, by, cohortID)
	if err != nil {
		return err
	}
	for i := range files {
		if files[i].State != DraftRefused || !files[i].Told {
			continue
		}
		if err := s.Remove(ctx, by, files[i].ID); err != nil {
			return err
		}
	}
	return nil
}

// burst is how long the card of a conversation waits for the other files of an
// album: one card for all of them, and still a sign of life when one takes long.
const burst = 2 * time.Second

// change runs fn with one of the person's own files held and saves it.
func (s *Journals) change(ctx context.Context, by Actor, id int64, fn func(context.Context, Tx, *DraftFile) error) error {
	err := s.store.InTx(ctx, func(ctx context.Context, tx Tx) error {
		if err := tx.HoldDraftFiles(ctx, by.PersonID); err != nil {
			return err
		}
		f, err := tx.DraftFileForUpdate(ctx, id)
		if err != nil {
			return err
		}
		if f.PersonID != by.PersonID {
			return refuse(NotFound, ReasonNotFound)
		}
		if err := fn(ctx, tx, f); err != nil {
			return err
		}
		return tx.SaveDraftFile(ctx, f)
	})
	if err != nil {
		return fmt.Errorf("draft file %d: %w", id, err)
	}
	return nil
}

// maxName is the longest file name kept, in characters; the ending stays.
const maxName = 120

// SafeName makes a name from outside fit to be shown and stored: no folders, no
// control or direction characters, no more than maxName characters. An empty
// name becomes "file".
func SafeName(name string) string {
	name = path.Base(strings.ReplaceAll(plainText(name), `\`, "/"))
	name = strings.Map(func(r rune) rune {
		if r == '\u200c' || r == '\u200d' {
			return r // joiners hold emoji and some scripts together
		}
		if unicode.IsControl(r) || unicode.Is(unicode.Cf, r) || unicode.Is(unicode.Zl, r) || unicode.Is(unicode.Zp, r) || r == utf8.RuneError {
			return -1
		}
		return r
	}, name)
	atEnd := func(r rune) bool { return r == '.' || unicode.IsSpace(r) }
	name = strings.TrimFunc(name, atEnd)
	ext := path.Ext(name)
	if r := []rune(name); len(r) > maxName {
		e := []rune(ext)
		if len(e) > 10 {
			e = nil
		}
		name = strings.TrimRightFunc(string(r[:maxName-len(e)]), atEnd) + string(e)
	}
	if !strings.ContainsFunc(name, func(r rune) bool {
		return unicode.IsGraphic(r) && r != '/' && !unicode.IsSpace(r) && !unicode.Is(unicode.M, r)
	}) {
		return "file" // nothing that anybody could see
	}
	return name
}
