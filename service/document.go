package service

import (
	"context"
	"fmt"
	"io"
	"path"
	"strings"

	"flowbot/service/fsm"
)

// Document is a stored file on its way to a person.
type Document struct {
	Name   string // as the person will see it, without what a file system forbids
	SHA256 string
	Size   int64 // bytes
	Open   func(ctx context.Context) (io.ReadCloser, error)
}

// storedDocument makes a stored file a Document.
func storedDocument(files FileStore, name string, f *File) Document {
	return Document{
		Name: fileName(name), SHA256: f.SHA256, Size: f.Size,
		Open: func(ctx context.Context) (io.ReadCloser, error) { return files.Open(ctx, f.SHA256) },
	}
}

// fileName makes a name of several words and numbers fit for every file system:
// an act 118/1 becomes 118-1.
func fileName(name string) string {
	return strings.NewReplacer("/", "-", `\`, "-", ":", "-", "*", "-", "?", "-", `"`, "", "<", "(", ">", ")", "|", "-").Replace(name)
}

// ReasonNotPrinted means that the document is still being printed.
const ReasonNotPrinted Reason = "act.not_printed"

// Document returns the printed document of a version of an act, or a Conflict
// while it is being printed. Its name is the act's number alone: the words
// around it are not the service's.
func (s *Acts) Document(ctx context.Context, by Actor, actID int64, version int) (Document, error) {
	a, err := s.store.Act(ctx, by, actID)
	if err != nil {
		return Document{}, fmt.Errorf("document of act %d: %w", actID, err)
	}
	v, err := s.store.ActVersion(ctx, a.ID, version)
	if err != nil {
		return Document{}, fmt.Errorf("document of act %d: %w", actID, err)
	}
	if v.FileSHA == "" {
		return Document{}, refuse(Conflict, ReasonNotPrinted)
	}
	f, err := s.store.File(ctx, v.FileSHA)
	if err != nil {
		return Document{}, fmt.Errorf("document of act %d: %w", actID, err)
	}
	return storedDocument(s.files, a.Number, f), nil
}

// JournalDocuments returns the journal and the screenshots with which the act
// was sent, or a Conflict before it was: the pictures without their metadata.
func (s *Acts) JournalDocuments(ctx context.Context, by Actor, actID int64) (*ActView, []Document, error) {
	v, err := s.View(ctx, by, actID)
	if err != nil {
		return nil, nil, err
	}
	if v.Sent == nil {
		return nil, nil, refuse(Conflict, ReasonNoJournal)
	}
	var out []Document
	for _, jf := range v.Files {
		f, err := s.store.File(ctx, jf.CleanSHA)
		if err != nil {
			return nil, nil, fmt.Errorf("file of act %d: %w", actID, err)
		}
		out = append(out, storedDocument(s.files, cleanName(jf, f.Type), f))
	}
	return v, out, nil
}

// cleanName is the sender's name with the ending of what was made of the file.
func cleanName(f JournalFile, mime string) string {
	if f.CleanSHA == f.FileSHA {
		return f.Name
	}
	ext := path.Ext(f.Name)
	switch {
	case mime == "image/png" && !strings.EqualFold(ext, ".png"):
		return strings.TrimSuffix(f.Name, ext) + ".png"
	case mime == "image/jpeg" && !strings.EqualFold(ext, ".jpg") && !strings.EqualFold(ext, ".jpeg"):
		return strings.TrimSuffix(f.Name, ext) + ".jpg"
	}
	return f.Name
}

// Learners lists whom an act of the cohort can name, by name: the eligible and,
// when actID is not 0, those whom that act names. It refuses whoever does not
// represent the cohort's partner.
func (s *Acts) Learners(ctx context.Context, by Actor, cohortID, actID int64, limit int) ([]Learner, error) {
	c, err := s.store.Cohort(ctx, by, cohortID)
	if err != nil {
		return nil, fmt.Errorf("learners of cohort %d: %w", cohortID, err)
	}
	if err := isPartner(actMove{by: by, cohort: c}); err != nil {
		return nil, err
	}
	list, err := s.store.LearnersPage(ctx, cohortID, actID, 0, limit)
	if err != nil {
		return nil, fmt.Errorf("learners of cohort %d: %w", cohortID, err)
	}
	return list, nil
}

// WhyNoGeneration is the refusal that generating an act in the cohort would meet
// now, or nil.
func (*Acts) WhyNoGeneration(by Actor, v *CohortView) error {
	if err := all(isPartner, cohortEnded)(actMove{by: by, cohort: &v.Cohort, today: v.Today}); err != nil {
		return err
	}
	if v.Generation.Eligible == 0 {
		return refuse(Invalid, ReasonNoLearners)
	}
	return nil
}

// Offered returns the act if it stands at the revision and the event's Who
// agrees now; else the refusal that making the move would meet.
func (s *Acts) Offered(ctx context.Context, by Actor, id int64, revision int, ev ActEvent) (*ActView, error) {
	v, err := s.View(ctx, by, id)
	if err != nil {
		return nil, err
	}
	if v.Act.Revision != revision {
		return nil, movedOn(ctx, s.store, by, SubjectAct, id, nil)
	}
	m := actMove{by: by, act: &v.Act, cohort: &v.Cohort, newest: v.Newest, sent: v.Sent, holder: v.Blocker, today: v.Today}
	if !actTable.Knows(v.Act.Status, ev) {
		return nil, movedOn(ctx, s.store, by, SubjectAct, id, fsm.ErrNoMove)
	}
	return v, actTable.Who(v.Act.Status, ev, m)
}

// CheckComment is the rule about the words of a rejection or a cancellation.
func CheckComment(comment string) error { return saysWhy(actMove{comment: comment}) }

// historyLimit bounds the steps that are shown of one act.
const historyLimit = 500

// History returns the steps of an act that the actor may see, oldest first.
func (s *Acts) History(ctx context.Context, by Actor, id int64) (*Act, []History, error) {
	a, err := s.store.Act(ctx, by, id)
	if err != nil {
		return nil, nil, fmt.Errorf("history of act %d: %w", id, err)
	}
	steps, err := s.store.HistoryOf(ctx, SubjectAct, id, historyLimit)
	if err != nil {
		return nil, nil, fmt.Errorf("history of act %d: %w", id, err)
	}
	return a, steps, nil
}
