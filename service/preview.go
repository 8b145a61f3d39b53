package service

import (
	"bytes"
	"context"
	"fmt"
	"io"
)

// CheckPackage is nil when the person's files make a whole package that Submit
// would take, else the refusal that says what is missing.
func (s *Acts) CheckPackage(ctx context.Context, by Actor, cohortID int64) error {
	c, err := s.store.Cohort(ctx, by, cohortID)
	if err != nil {
		return fmt.Errorf("check package of cohort %d: %w", cohortID, err)
	}
	files, err := s.store.DraftFiles(ctx, by.PersonID, cohortID)
	if err != nil {
		return fmt.Errorf("check package of cohort %d: %w", cohortID, err)
	}
	_, err = wholePackage(c, files)
	return err
}

// WhyNoUpload is the refusal that sending a journal for the cohort would meet
// whatever the files are, or nil. It saves people from a conversation that
// cannot succeed.
func (s *Acts) WhyNoUpload(ctx context.Context, by Actor, cohortID int64) error {
	sc, err := s.look(ctx, by, cohortID)
	if err != nil {
		return fmt.Errorf("upload for cohort %d: %w", cohortID, err)
	}
	waits := false
	for i := range sc.acts {
		a := &sc.acts[i]
		m, err := sc.moveOf(ctx, a, deed{by: by})
		if err != nil {
			return fmt.Errorf("upload for cohort %d: %w", cohortID, err)
		}
		for _, ev := range []ActEvent{ActSubmit, ActReplace} {
			if !actTable.Knows(a.Status, ev) {
				continue
			}
			waits = true
			if _, err := actTable.Next(a.Status, ev, m); err != nil {
				return err
			}
		}
	}
	if !waits {
		return refuse(Conflict, ReasonNothingWaits)
	}
	return nil
}

// Caption words the line under a file of a contact sheet: of which kind it is,
// its place among its kind from 1, and its pages.
type Caption func(kind JournalKind, place, pages int) string

// Preview draws what the person has sent for a cohort as one picture.
func (s *Journals) Preview(ctx context.Context, by Actor, cohortID int64, caption Caption) (Document, error) {
	files, err := s.store.DraftFiles(ctx, by.PersonID, cohortID)
	if err != nil {
		return Document{}, fmt.Errorf("preview of cohort %d: %w", cohortID, err)
	}
	var shown []JournalFile
	for _, kind := range []JournalKind{KindJournal, KindScreenshot} {
		for _, f := range files {
			if f.State == DraftAccepted && f.Kind == kind {
				shown = append(shown, JournalFile{Kind: kind, CleanSHA: f.CleanSHA, Pages: f.Pages})
			}
		}
	}
	picture, err := s.contactSheet(ctx, shown, caption)
	if err != nil {
		return Document{}, fmt.Errorf("preview of cohort %d: %w", cohortID, err)
	}
	return Document{
		Size: int64(len(picture)),
		Open: func(context.Context) (io.ReadCloser, error) { return io.NopCloser(bytes.NewReader(picture)), nil },
	}, nil
}

// contactSheet draws files side by side.
func (s *Journals) contactSheet(ctx context.Context, files []JournalFile, caption Caption) ([]byte, error) {
	var items []ContactItem
	place := make(map[JournalKind]int, 2)
	for _, f := range files {
		place[f.Kind]++
		local, release, err := s.files.Local(ctx, f.CleanSHA)
		if err != nil {
			return nil, fmt.Errorf("file at hand: %w", err)
		}
		defer release()
		items = append(items, ContactItem{Path: local, Caption: caption(f.Kind, place[f.Kind], f.Pages)})
	}
	var picture bytes.Buffer
	if err := s.foreign.ContactSheet(ctx, items, &picture); err != nil {
		return nil, fmt.Errorf("contact sheet: %w", err)
	}
	return picture.Bytes(), nil
}

// Sheet returns the contact sheet of the journal and the screenshots with which
// an act was sent. It is drawn when it is first asked for and kept.
func (s *Journals) Sheet(ctx context.Context, by Actor, actID int64, caption Caption) (Document, error) {
	a, err := s.store.Act(ctx, by, actID)
	if err != nil {
		return Document{}, fmt.Errorf("sheet of act %d: %w", actID, err)
	}
	if a.JournalVersion == 0 {
		return Document{}, refuse(Conflict, ReasonNoJournal)
	}
	j, err := s.store.Journal(ctx, a.CohortID, a.JournalVersion)
	if err != nil {
		return Document{}, fmt.Errorf("sheet of act %d: %w", actID, err)
	}
	if j.SheetSHA == "" {
		if err := s.drawSheet(ctx, j, caption); err != nil {
			return Document{}, fmt.Errorf("sheet of act %d: %w", actID, err)
		}
	}
	sha := j.SheetSHA
	return Document{SHA256: sha, Open: func(ctx context.Context) (io.ReadCloser, error) { return s.files.Open(ctx, sha) }}, nil
}

func (s *Journals) drawSheet(ctx context.Context, j *Journal, caption Caption) error {
	files, err := s.store.JournalFiles(ctx, j.ID)
	if err != nil {
		return err
	}
	picture, err := s.contactSheet(ctx, files, caption)
	if err != nil {
		return err
	}
	sha, size, err := s.files.Put(ctx, bytes.NewReader(picture))
	if err != nil {
		return fmt.Errorf("store sheet: %w", err)
	}
	j.SheetSHA = sha
	return s.store.InTx(ctx, func(ctx context.Context, tx Tx) error {
		if err := tx.SaveFile(ctx, File{SHA256: sha, Size: size, Type: "image/jpeg"}); err != nil {
			return err
		}
		return tx.SetJournalSheet(ctx, j.ID, sha)
	})
}
