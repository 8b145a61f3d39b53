package service

import (
	"context"
	"fmt"
	"slices"
)

// NameLikeness is how the name on a page goes with that of an application.
type NameLikeness string

// The likenesses.
const (
	NameAgrees NameLikeness = "agrees"
	NameAlike  NameLikeness = "alike"
	NameOther  NameLikeness = "other"
	NameUnread NameLikeness = "unread"
)

// nameAlike is where a name begins to look like another, on the scale of
// CandidateReading. It decides nothing: it words what was read.
const nameAlike = .55

// LikelyApplication is an application that a page may belong to.
type LikelyApplication struct {
	Application
	Likeness  NameLikeness
	Supported bool // readings of the machine support it: one tap is enough
	Read      bool // it is the one that the readings speak for most
}

// QuestionView is a page with everything that the person who decides looks at.
type QuestionView struct {
	Page    ScanPageLine
	Exam    Exam
	Reading *PageReading        // nil when nothing was read
	Likely  []LikelyApplication // best first, at most three; whose it is, if that is decided
	Called  []Application       // whose names agree with the page, at most three
	Whose   *Application        // whose certificate it is, or seems to be; nil for nobody
	Loaded  *Scan               // the scan that stands at Whose, nil for none
	Named   *Application        // as which its file is called; nil for nobody
	NamedIn string              // number of the other exam that Named is of, "" for none
	Beside  *ScanPageLine       // the page that it contradicts or repeats; nil for none
	Blank   BlankKey            // as it was read; without a number if it was not
	Held    *Blank              // what became of that blank in this center; nil for nothing
	Other   string              // number of the other exam that Whose is of, "" for none
	Count   int                 // questions of the exam
	Place   int                 // of this one among them, from 1; 0: it is none
	Undo    *ScanPageLine       // what the person decided last and can take back; nil for nothing
	Again   bool                // it can be read again
}

// Question returns a page in whatever state it is, for the staff of its center.
func (s *ScanQuestions) Question(ctx context.Context, by Actor, pageID int64) (*QuestionView, error) {
	l, e, err := s.line(ctx, by, pageID)
	if err != nil {
		return nil, err
	}
	v := &QuestionView{Page: *l, Exam: *e, Again: l.State == PageQuestion && l.SHA != "" && !l.inPair()}
	if v.Reading, err = l.ReadingOf(); err != nil {
		return nil, fmt.Errorf("reading of page %d: %w", pageID, err)
	}
	for _, fill := range []func(context.Context, *QuestionView) error{s.fillBeside, s.fillWhose, s.fillNamed, s.fillBlank, s.fillLikely} {
		if err := fill(ctx, v); err != nil {
			return nil, fmt.Errorf("page %d: %w", pageID, err)
		}
	}
	if e.ID == 0 {
		return v, nil
	}
	c, err := s.store.QuestionCount(ctx, e.ID, pageID)
	if err != nil {
		return nil, fmt.Errorf("questions of exam %d: %w", e.ID, err)
	}
	v.Count, v.Place = c.Count, c.Place
	v.Undo, err = s.LastDecided(ctx, by, e.ID)
	return v, err
}

// fillBeside finds the page that this one contradicts, repeats, or would replace.
func (s *ScanQuestions) fillBeside(ctx context.Context, v *QuestionView) error {
	if v.Page.TwinID == 0 || !v.Page.speaksOfAnother() {
		return nil
	}
	var err error
	v.Beside, err = s.store.PageLine(ctx, v.Page.TwinID)
	return err
}

// speaksOfAnother reports whether the rule of a page is about another page too.
func (p *ScanPage) speaksOfAnother() bool {
	return p.inPair() || p.Rule == PageRuleLoaded || p.Rule == PageRuleDuplicate
}

// fillNamed finds the application as which its file is called.
func (s *ScanQuestions) fillNamed(ctx context.Context, v *QuestionView) error {
	if v.Page.NamedID == 0 {
		return nil
	}
	var err error
	if v.Named, err = s.store.Application(ctx, System, v.Page.NamedID); err != nil || v.Named.ExamID == v.Exam.ID {
		return err
	}
	e, err := s.store.Exam(ctx, System, v.Named.ExamID)
	if err != nil {
		return err
	}
	v.NamedIn = e.Number
	return nil
}

// fillWhose finds whose certificate it seems to be.
func (s *ScanQuestions) fillWhose(ctx context.Context, v *QuestionView) error {
	if v.Page.ApplicationID == 0 {
		return nil
	}
	a, err := s.store.Application(ctx, System, v.Page.ApplicationID)
	if err != nil {
		return err
	}
	v.Whose = a
	if a.ExamID != v.Exam.ID {
		e, err := s.store.Exam(ctx, System, a.ExamID)
		if err != nil {
			return err
		}
		v.Other = e.Number
	}
	if a.ScanID == 0 || a.ScanID == v.Page.ScanID {
		return nil
	}
	if v.Loaded, err = s.store.Scan(ctx, a.ScanID); err != nil || v.Beside != nil || !v.Page.speaksOfAnother() {
		return err
	}
	p, err := s.store.PageOfScan(ctx, a.ScanID)
	if err != nil || p == nil {
		return err
	}
	v.Beside, err = s.store.PageLine(ctx, p.ID)
	return err
}

// fillBlank finds what became of the blank whose number was read.
func (s *ScanQuestions) fillBlank(ctx context.Context, v *QuestionView) error {
	key, read := blankRead(v.Reading)
	if !read {
		return nil
	}
	v.Blank = key
	held, err := s.store.Blank(ctx, key)
	if err != nil || held == nil || held.CenterID != v.Exam.CenterID {
		return err
	}
	v.Held = held
	return nil
}

// blankRead is the number of a blank as it was read, if it was.
func blankRead(r *PageReading) (BlankKey, bool) {
	if r == nil {
		return BlankKey{}, false
	}
	return BlankNumberOf(r)
}

// fillLikely finds the applications that the page belongs to most likely. Left out
// are those to which no certificate is due any more, those without a number, and
// those that have a scan and for whom neither number nor name speaks. The one as which its file is called
// is among them.
func (s *ScanQuestions) fillLikely(ctx context.Context, v *QuestionView) error {
	switch {
	case v.Page.State == PageMatched && v.Whose != nil: // what spoke for it
		v.Likely = []LikelyApplication{{Application: *v.Whose, Likeness: likeness(v.Reading, v.Whose.ID), Read: true}}
		return nil
	case v.Page.State != PageQuestion || v.Exam.ID == 0:
		return nil
	}
	if v.Page.Rule == PageRuleOtherExam && v.Whose != nil {
		if v.Whose.Entitled() {
			v.Likely = []LikelyApplication{{Application: *v.Whose, Likeness: likeness(v.Reading, v.Whose.ID), Supported: true, Read: true}}
		}
		return nil
	}
	if v.Reading == nil && v.Named == nil || v.Page.SHA == "" {
		return nil
	}
	list, err := s.batches.lists.of(ctx, s.store, v.Exam.CenterID, []int64{v.Exam.ID})
	if err != nil {
		return err
	}
	r := &PageReading{}
	if v.Reading != nil {
		r = v.Reading.against(list.Certificates)
	}
	all, err := s.store.Applications(ctx, v.Exam.ID)
	if err != nil {
		return err
	}
	known := make(map[int64]*Application, len(all))
	for i := range all {
		known[all[i].ID] = &all[i]
	}
	open := slices.DeleteFunc(slices.Clone(list.Certificates), func(c PrintedCertificate) bool {
		a := known[c.ApplicationID]
		return a == nil || !a.Entitled() || a.RegistrationNumber == "" || a.ScanID != 0 && !Supported(list.Certificates, r, a.ID) && likeness(r, a.ID) != NameAgrees
	})
	for _, c := range r.Candidates {
		if a := known[c.ApplicationID]; a != nil && c.AgreesByName() && len(v.Called) < mostLikely {
			v.Called = append(v.Called, *a)
		}
	}
	var ids []int64
	if v.Reading != nil {
		ids = LikelyApplications(open, v.Reading)
	}
	if whose := v.Page.ApplicationID; known[whose] != nil && known[whose].Entitled() { // whose it seems to be stands first
		ids = append([]int64{whose}, slices.DeleteFunc(ids, func(id int64) bool { return id == whose })...)
	}
	read := int64(0)
	if len(ids) > 0 {
		read = ids[0]
	}
	if n := v.Named; n != nil && known[n.ID] != nil && n.Entitled() && n.RegistrationNumber != "" {
		ids = withNamed(ids, n.ID, Supported(list.Certificates, r, read))
	}
	for _, id := range ids[:min(len(ids), mostLikely)] {
		v.Likely = append(v.Likely, LikelyApplication{
			Application: *known[id], Likeness: likeness(v.Reading, id), Supported: Supported(list.Certificates, r, id), Read: id == read,
		})
	}
	return nil
}

// withNamed puts the application as which a file is called before those that its
// page may belong to, but for one that readings support.
func withNamed(ids []int64, named int64, supported bool) []int64 {
	at := 0
	if supported && ids[0] != named {
		at = 1
	}
	return slices.Insert(slices.DeleteFunc(slices.Clone(ids), func(id int64) bool { return id == named }), at, named)
}

// likeness words how the name of an application goes with a page.
func likeness(r *PageReading, applicationID int64) NameLikeness {
	if r == nil {
		return NameUnread
	}
	for _, c := range r.Candidates {
		if c.ApplicationID != applicationID {
			continue
		}
		switch {
		case c.AgreesByName():
			return NameAgrees
		case c.DeniesName():
			return NameOther
		case max(c.Name, c.Latin) >= nameAlike:
			return NameAlike
		}
	}
	return NameUnread
}
