package service

import (
	"context"
	"fmt"
)

// ChoosePage says whose certificate a page is. Each of the later fields is a word
// that the person gave after a refusal asked for it.
type ChoosePage struct {
	PageID        int64
	Revision      int // of the page
	ApplicationID int64
	Confirmed     bool     // the person compared the page with the application
	Replace       bool     // the loaded scan is to be replaced
	Mistaken      bool     // the blank of the replaced scan was said by mistake: it is free, not spoiled
	Outside       bool     // the blank as it was read is right, although no range has it or two pages bear it
	Unnamed       bool     // the blank is said later
	Blank         BlankKey // as the person typed it; zero: as it was read
}

// Choose makes a page the scan of an application to which a certificate is due. A
// choice that no reading of the machine supports, one that replaces a loaded scan,
// and a blank that was read but cannot be, are refused until the person has said
// one more word. Of two who decide at one moment one wins; the other gets a
// Conflict that tells who. The same decision once more changes nothing. A page that
// is, byte for byte, the scan of the application replaces nothing: it is set aside
// as a repeat.
func (s *ScanQuestions) Choose(ctx context.Context, by Actor, in ChoosePage) (*ScanPageLine, error) {
	a, err := s.store.Application(ctx, by, in.ApplicationID)
	if err != nil {
		return nil, fmt.Errorf("choose for page %d: %w", in.PageID, err)
	}
	clean, err := s.cleaned(ctx, in.PageID)
	if err != nil {
		return nil, fmt.Errorf("choose for page %d: %w", in.PageID, err)
	}
	err = s.inPage(ctx, by, pageDeed{
		page: in.PageID, revision: in.Revision, exam: a.ExamID,
		done: func(p *ScanPage) bool {
			return p.ApplicationID == in.ApplicationID && (p.State == PageMatched || p.State == PageAside && p.Rule == PageRuleDuplicate)
		},
	}, func(ctx context.Context, sc *examScene, p *ScanPage) error { return s.choose(ctx, sc, p, in, clean) })
	if err != nil {
		return nil, fmt.Errorf("choose for page %d: %w", in.PageID, err)
	}
	return s.store.PageLine(ctx, in.PageID)
}

func (s *ScanQuestions) choose(ctx context.Context, sc *examScene, p *ScanPage, in ChoosePage, clean File) error {
	held, err := sc.tx.ApplicationsForUpdate(ctx, sc.exam.ID, []int64{in.ApplicationID})
	if err != nil {
		return err
	}
	if len(held) == 0 { // it has moved to another exam
		return refuse(NotFound, ReasonNotFound)
	}
	a := &held[0]
	switch {
	case !a.Entitled() || a.RegistrationNumber == "":
		return refuseWith(Invalid, ReasonScanNotEntitled, a.fault())
	case p.CleanSHA == "" && clean.SHA256 == "":
		return refuse(Conflict, ReasonQuestionNoPicture)
	}
	repeats, twin, err := sc.repeats(ctx, p, a)
	if err != nil {
		return err
	}
	if repeats {
		p.ApplicationID, p.TwinID = a.ID, twin
		return sc.movePage(ctx, p, PageEventDismiss, PageRuleDuplicate)
	}
	supported, err := s.supports(ctx, sc, p, a)
	if err != nil {
		return err
	}
	if !supported && !in.Confirmed {
		return refuse(Invalid, ReasonQuestionUnsupported)
	}
	if err := loadable(a, in.Replace); err != nil {
		return err
	}
	key, err := s.blankFor(ctx, sc, p, a, in)
	if err != nil {
		return err
	}
	if p.CleanSHA == "" {
		if err := sc.tx.SaveFile(ctx, clean); err != nil {
			return err
		}
		p.CleanSHA = clean.SHA256
	}
	file, err := sc.tx.ScanFile(ctx, p.FileID)
	if err != nil {
		return err
	}
	load := pageLoad{
		Event: PageEventChoose, Rule: PageRulePerson, Blank: key, Mistaken: in.Mistaken, Supported: supported, FileName: file.Name, By: sc.by.PersonID,
	}
	if supported {
		load.Rule = PageRuleSupported
	}
	p.ExamID = a.ExamID
	return s.batches.scans.attachPage(ctx, sc, p, a, load)
}

// supports reports whether readings of the machine support a choice, or refuses it.
func (s *ScanQuestions) supports(ctx context.Context, sc *examScene, p *ScanPage, a *Application) (bool, error) {
	r, err := p.ReadingOf()
	if err != nil {
		return false, err
	}
	c, err := s.batches.scans.weighHeld(ctx, sc, a, saidPage{reading: r, files: []string{p.SHA}})
	if err != nil {
		return false, err
	}
	return c.supported, c.refusal(ctx, sc.tx, sc.by)
}

// blankFor is the blank of a choice: the one that was typed, else the one that was
// read. It is zero when the person says it later, or nobody could read it.
func (s *ScanQuestions) blankFor(ctx context.Context, sc *examScene, p *ScanPage, a *Application, in ChoosePage) (BlankKey, error) {
	key := in.Blank
	if key.Number == "" {
		r, err := p.ReadingOf()
		if err != nil {
			return BlankKey{}, err
		}
		read, ok := blankRead(r)
		switch {
		case !ok || in.Unnamed:
			return BlankKey{}, nil
		case p.Rule == PageRuleBlankTwice && !in.Outside:
			return BlankKey{}, refuseWith(Invalid, ReasonQuestionBlankTwice, BlankFault{Series: read.Series, Number: read.Number})
		}
		key = read
	}
	key, outside, err := s.batches.scans.checkBlank(ctx, sc.tx, sc.exam, a, key)
	switch {
	case in.Blank.Number == "" && ReasonOf(err) == ReasonBlankPattern: // misread: as good as unread
		return BlankKey{}, nil
	case err != nil:
		return BlankKey{}, err
	case outside && !in.Outside:
		return BlankKey{}, refuseWith(Invalid, ReasonBlankOutside, BlankFault{Series: key.Series, Number: key.Number})
	}
	return key, nil
}

// cleaned is the stored clean page of one that has none because the machine saw
// nothing on it: the page as it came. It is zero for all others.
func (s *ScanQuestions) cleaned(ctx context.Context, pageID int64) (File, error) {
	p, err := s.store.ScanPage(ctx, pageID)
	if err != nil || p.CleanSHA != "" || p.SHA == "" {
		return File{}, err
	}
	page, err := s.batches.bytes(ctx, p.SHA)
	if err != nil {
		return File{}, err
	}
	return s.batches.clean(ctx, page, 0)
}
