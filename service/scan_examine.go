package service

import (
	"context"
	"errors"
	"fmt"
	"io"
	"slices"
)

// listOf is what the pages of an exam are read against. A center whose blanks are
// not known is refused with ReasonCenterNoProfile: a scan that no machine reads
// would go to whomever one slip of a person names.
func (s *Scans) listOf(ctx context.Context, q Queries, e *Exam) (*PageList, error) {
	return s.pages.lists.of(ctx, q, e.CenterID, []int64{e.ID})
}

// examineScan is the Examiner of scans that are loaded for one application: files
// of one page that is not empty. The page is read against the list of the exam,
// and the candidate gets it as a batch would give it to them. Where nothing can be
// read the file stands as it is, without what a picture's metadata tells.
func (s *Scans) examineScan(ctx context.Context, by Actor, u *Upload, local string) (Examined, error) {
	a, err := s.store.Application(ctx, by, u.SubjectID)
	if err != nil {
		return Examined{}, err
	}
	e, err := s.store.Exam(ctx, by, a.ExamID)
	if err != nil {
		return Examined{}, err
	}
	list, err := s.listOf(ctx, s.store, e)
	if err != nil {
		return Examined{}, fmt.Errorf("list of exam %d: %w", e.ID, err)
	}
	t := &takenPages{pages: s.pages, list: list}
	info, err := s.uploads.in.foreign.Pages(ctx, local, func(p ForeignPage, content io.Reader) error { return t.take(ctx, p, content) })
	switch {
	case errors.Is(err, errPageOfArchive):
		return Examined{}, &Error{Kind: Invalid, Reason: ReasonUploadNotPaper, Err: err}
	case err != nil && AsError(err).Kind == Internal:
		return Examined{}, err
	case t.full > 1:
		return Examined{}, refuseWith(Invalid, ReasonUploadPages, info.Pages)
	case err != nil || t.clean.SHA256 == "":
		return s.asItIs(ctx, u, local, t.page)
	}
	return Examined{Clean: t.clean, Pages: 1, Evidence: t.read.evidence, Page: t.page, Lines: t.read.lines}, nil
}

// asItIs is a file on which nothing was read.
func (s *Scans) asItIs(ctx context.Context, u *Upload, local string, page File) (Examined, error) {
	found, err := s.uploads.in.anyPaper(ctx, File{SHA256: u.FileSHA, Size: u.Size, Type: typeUnknown}, local)
	if err != nil {
		return Examined{}, err
	}
	if found.pages > 1 {
		return Examined{}, refuseWith(Invalid, ReasonUploadPages, found.pages)
	}
	return Examined{Clean: found.clean, Pages: found.pages, Page: page}, nil
}

// errPageOfArchive ends the look at an archive: a certificate is a file of its own.
var errPageOfArchive = errors.New("the page is of an archive")

// takenPages are the pages of a file of which one is wanted: the first that is not
// empty, else the first.
type takenPages struct {
	pages *pageReader
	list  *PageList

	full  int        // pages that are not empty; from the second on none is looked at
	page  File       // the wanted one as it was taken out; zero when it could not be
	read  workedPage // what came of it
	clean File       // what the candidate gets; zero when nothing could be read
}

func (t *takenPages) take(ctx context.Context, p ForeignPage, content io.Reader) error {
	if p.Name != "" {
		return errPageOfArchive
	}
	if t.full > 1 {
		return nil
	}
	page, w := File{}, &workedPage{}
	if p.Refusal == "" {
		var err error
		if page, w, err = t.look(ctx, content); err != nil {
			return err
		}
	}
	empty := w.rule == MatchEmpty
	if !empty {
		t.full++
	}
	if p.Number == 1 || !empty && t.full == 1 {
		t.page, t.read, t.clean = page, *w, w.clean
	}
	return nil
}

// look stores a page and has it read. What cannot be read is no error.
func (t *takenPages) look(ctx context.Context, content io.Reader) (File, *workedPage, error) {
	jpeg, err := io.ReadAll(content)
	if err != nil {
		return File{}, nil, fmt.Errorf("take page: %w", err)
	}
	page, err := t.pages.put(ctx, jpeg, typeJPEG)
	if err != nil {
		return File{}, nil, err
	}
	w, err := t.pages.work(ctx, t.list, jpeg, true)
	if ReasonOf(err) == ReasonPageUnreadable {
		return page, &workedPage{}, nil
	}
	if err != nil {
		return File{}, nil, err
	}
	if w.clean.SHA256 == "" { // nothing is known of the page but how it came
		w.clean, err = t.pages.clean(ctx, jpeg, 0)
	}
	return page, w, err
}

// ScanLook is what the file that waits to be loaded for an application says of
// whose certificate it is.
type ScanLook struct {
	Reading   *PageReading        // nil: nothing was read
	Located   bool                // the blank was found: the scan is cut to it
	Supported bool                // readings of the machine agree that it is the application's
	Number    bool                // the digits that were read are its number's, and nobody else's
	Typed     bool                // they are the number's that the person has typed for it
	Name      bool                // the name is its
	Denied    bool                // the name is not its, or another's
	Differs   bool                // a reading contradicts it
	Refused   Reason              // loading it would be, whatever the person says: it is another's, or may be, or stands elsewhere; "" when it would not
	Fault     ScanFault           // of that one
	Blank     BlankKey            // as it was read; without a number if it was not
	Rule      MatchRule           // by which the machine matches it, or does not
	Likely    []LikelyApplication // best first, with the application itself
	Called    []Application       // whose names agree with it, at most three
	Whose     *Application        // another, which has the number as it was read; nil for nobody
}

// Look tells what was read on the actor's accepted file for an application, beside
// what the actor has said of it. A file that is not there any more is NotFound.
func (s *Scans) Look(ctx context.Context, by Actor, applicationID int64, said SaidScan) (*ScanLook, error) {
	out := &ScanLook{}
	err := s.look(ctx, by, applicationID, func(e *Exam, a *Application) error {
		u, err := s.accepted(ctx, by, applicationID)
		if err != nil {
			return err
		}
		p, err := u.said()
		if err != nil {
			return err
		}
		p.SaidScan = said
		c, err := s.weigh(ctx, s.store, e, a, p)
		if err != nil {
			return err
		}
		if out.Refused, out.Fault, err = c.refused(ctx, s.store, by); err != nil {
			return err
		}
		if out.Supported, out.Blank, out.Reading = c.supported, c.blank, c.reading; c.reading == nil {
			return nil
		}
		out.Located = c.reading.Located
		_, out.Rule = MatchPage(c.list, c.reading)
		out.Number = onlyNumber(c.list, c.reading, a.ID)
		out.Typed = said.RegistrationNumber != a.RegistrationNumber && sureDigits(c.reading) >= surely &&
			agree(c.reading.Number, said.RegistrationNumber) == numbersAgree
		name := likeness(c.reading, a.ID)
		out.Name, out.Denied = name == NameAgrees, name == NameOther || namesAnother(c.reading, a.ID)
		printed := printedFor(c.list, a.ID)
		out.Differs = out.Denied || printed != nil && contradicted(printed, c.reading) ||
			c.numberOf != 0 && c.numberOf != a.ID
		return s.others(ctx, by, a, c, out)
	})
	return out, err
}

// others finds who else the page may belong to.
func (s *Scans) others(ctx context.Context, by Actor, a *Application, c *claim, out *ScanLook) error {
	ids := LikelyApplications(c.list, c.reading)
	if !slices.Contains(ids, a.ID) {
		ids = append(ids, a.ID)
	}
	for _, id := range ids {
		one, err := s.store.Application(ctx, by, id)
		if err != nil {
			return fmt.Errorf("application %d: %w", id, err)
		}
		out.Likely = append(out.Likely, LikelyApplication{
			Application: *one, Likeness: likeness(c.reading, id), Supported: Supported(c.list, c.reading, id),
		})
	}
	for _, one := range c.reading.Candidates {
		if !one.AgreesByName() || len(out.Called) == mostLikely {
			continue
		}
		called, err := s.store.Application(ctx, by, one.ApplicationID)
		if err != nil {
			return fmt.Errorf("application %d: %w", one.ApplicationID, err)
		}
		out.Called = append(out.Called, *called)
	}
	if c.numberOf == 0 || c.numberOf == a.ID {
		return nil
	}
	var err error
	out.Whose, err = s.store.Application(ctx, by, c.numberOf)
	return err
}

// accepted is the actor's accepted scan for an application.
func (s *Scans) accepted(ctx context.Context, by Actor, applicationID int64) (*Upload, error) {
	u, err := s.uploads.Current(ctx, by, UploadScan, applicationID)
	if err == nil && (u == nil || u.State != UploadAccepted) {
		err = refuse(NotFound, ReasonNotFound)
	}
	return u, err
}

// Lines is the picture of the lines of number and name on the actor's accepted file
// for an application, of the whole page where no blank was found.
func (s *Scans) Lines(ctx context.Context, by Actor, applicationID int64) (Document, error) {
	u, err := s.accepted(ctx, by, applicationID)
	if err != nil {
		return Document{}, err
	}
	if u.LinesSHA == "" {
		return s.uploads.Picture(ctx, by, UploadScan, applicationID)
	}
	f, err := s.store.File(ctx, u.LinesSHA)
	if err != nil {
		return Document{}, fmt.Errorf("lines of upload %d: %w", u.ID, err)
	}
	return storedDocument(s.files, "lines.jpg", f), nil
}
