package service

import (
	"context"
	"fmt"
	"slices"
)

// PageFacts is what is known of the readings of a page beside the list of its
// exam, when a person says that it is the certificate of an application.
type PageFacts struct {
	NumberOf     int64 // the application that has, or had, the number as it was read whole; 0: nobody
	BlankOf      int64 // the application whose certificate the blank that was read bears, or bore; 0: nobody
	BlankAgainst bool  // that blank cannot be the one of the chosen application
}

// AnothersPage returns the application whose certificate a page is by two readings
// that know nothing of each other, when that is not the chosen one; 0 when nothing
// says so. A page has four such readings: its number, its name in Cyrillic and in
// Latin, and the number of its blank. One of them may be wrong, so that one alone
// refuses nobody, and a person may overrule it. That two are wrong and speak for one
// and the same other application was never seen, and a person's slip is not rare:
//
//   - the number and the name are another's: MatchPage says so;
//   - the whole number is another's, and the name that was compared with the chosen
//     one's is not it, or the blank cannot be the chosen one's;
//   - the name is one other's alone, and the blank bears that one's certificate;
//   - the name is one other's alone, in both alphabets, and paper shows where a
//     stroke of the chosen one's name would be.
//
// It is pure. r is what holds for the list as it is now.
func AnothersPage(list []PrintedCertificate, r *PageReading, applicationID int64, known PageFacts) int64 {
	matched, _ := MatchPage(list, r)
	switch {
	case matched == applicationID:
		return 0
	case matched != 0:
		return matched
	case known.NumberOf != 0 && known.NumberOf != applicationID:
		if nameAgainst(r, applicationID) || known.BlankAgainst {
			return known.NumberOf
		}
	}
	named := onlyNamed(r)
	switch {
	case named == 0, named == applicationID:
		return 0
	case named == known.BlankOf, inBothAlphabets(r, named) && deniesName(r, applicationID):
		return named
	}
	return 0
}

// nameAgainst reports whether the name on a page was compared with that of an
// application, and is not it, or is another's.
func nameAgainst(r *PageReading, applicationID int64) bool {
	for _, c := range r.Candidates {
		if c.ApplicationID == applicationID {
			return !c.AgreesByName() && max(c.Name, c.Latin) > -1
		}
	}
	return namesAnother(r, applicationID)
}

// inBothAlphabets reports whether the name on a page was compared with that of an
// application in Cyrillic and in Latin.
func inBothAlphabets(r *PageReading, applicationID int64) bool {
	return slices.ContainsFunc(r.Candidates, func(c CandidateReading) bool {
		return c.ApplicationID == applicationID && min(c.Name, c.Latin) > -1
	})
}

// namesakesOf lists the other applications whose certificate a page can be as well as
// that of an application: the name is theirs too, and no sure digit of the number
// tells them apart.
func namesakesOf(list []PrintedCertificate, r *PageReading, applicationID int64) []int64 {
	if onlyNumber(list, r, applicationID) || likeness(r, applicationID) != NameAgrees {
		return nil
	}
	var out []int64
	for _, c := range r.Candidates {
		printed := printedFor(list, c.ApplicationID)
		if c.ApplicationID != applicationID && c.AgreesByName() && printed != nil && !contradicted(printed, r) {
			out = append(out, c.ApplicationID)
		}
	}
	return out
}

// onlyNamed is the only application whose name agrees, 0 for none or several.
func onlyNamed(r *PageReading) int64 {
	var out int64
	for _, c := range r.Candidates {
		if !c.AgreesByName() {
			continue
		}
		if out != 0 {
			return 0
		}
		out = c.ApplicationID
	}
	return out
}

// SaidScan is what a person says of a certificate beside whose it is. The zero
// value says nothing.
type SaidScan struct {
	Blank              BlankKey
	RegistrationNumber string
}

// saidPage is a page, or a file of one page, of which a person says whose
// certificate it is.
type saidPage struct {
	SaidScan
	reading *PageReading // nil: nothing was read
	files   []string     // hashes of the page and of the file that it came in
}

// said is the page of an accepted upload.
func (u *Upload) said() (saidPage, error) {
	r, err := u.ReadingOf()
	return saidPage{reading: r, files: slices.DeleteFunc([]string{u.FileSHA, u.PageSHA}, func(sha string) bool { return sha == "" })}, err
}

// claim is what speaks for and against a person's choice of an application for a
// page.
type claim struct {
	supported bool     // readings of the machine agree with it, and none contradicts
	several   bool     // the page shows more than one blank
	anothers  int64    // see AnothersPage
	elsewhere int64    // another application at which the same file or page stands
	namesake  int64    // another application whose certificate it can be as well, for all that was read; see namesakesOf
	blank     BlankKey // as it was read, and can be one of the printing house's; zero: unread

	list     []PrintedCertificate // as it is now
	reading  *PageReading         // as far as it holds for the list; nil: nothing was read
	numberOf int64                // see PageFacts
}

// refused says why a choice is refused, whatever the person says to it, and which
// application stands against it; "" when it is not.
func (c *claim) refused(ctx context.Context, q Queries, by Actor) (Reason, ScanFault, error) {
	if c.several {
		return ReasonScanSeveral, ScanFault{}, nil
	}
	id, reason := c.anothers, ReasonScanAnothers
	if id == 0 {
		id, reason = c.elsewhere, ReasonScanElsewhere
	}
	if id == 0 {
		id, reason = c.namesake, ReasonScanNamesake
	}
	if id == 0 {
		return "", ScanFault{}, nil
	}
	other, err := q.Application(ctx, by, id)
	if err != nil && AsError(err).Kind == NotFound { // of a center of which the person may not know
		return reason, ScanFault{}, nil
	}
	if err != nil {
		return "", ScanFault{}, fmt.Errorf("application %d: %w", id, err)
	}
	return reason, other.fault(), nil
}

// refusal is refused as an error.
func (c *claim) refusal(ctx context.Context, q Queries, by Actor) error {
	reason, fault, err := c.refused(ctx, q, by)
	if err == nil && reason != "" {
		err = refuseWith(Invalid, reason, fault)
	}
	return err
}

// weighHeld is weigh for a choice that is about to be made: of two who say of one
// file at one moment whose it is, the second sees what the first has said.
func (s *Scans) weighHeld(ctx context.Context, sc *examScene, a *Application, p saidPage) (*claim, error) {
	if err := sc.tx.HoldScanFiles(ctx, p.files); err != nil {
		return nil, err
	}
	return s.weigh(ctx, sc.tx, sc.exam, a, p)
}

// weigh holds a person's choice of an application, of this exam, against what was
// read on the page and against the list as it is now.
func (s *Scans) weigh(ctx context.Context, q Queries, e *Exam, a *Application, p saidPage) (*claim, error) {
	out := &claim{}
	var err error
	if out.elsewhere, err = q.StandsElsewhere(ctx, p.files, a.ID); err != nil || p.reading == nil {
		return out, err
	}
	out.several = p.reading.Several
	list, err := s.listOf(ctx, q, e)
	if err != nil {
		return nil, err
	}
	r := p.reading.against(list.Certificates)
	if p.RegistrationNumber != "" && p.RegistrationNumber != a.RegistrationNumber {
		list = list.withoutNumber(a.ID)
	}
	facts := PageFacts{}
	if facts.NumberOf, err = numberOf(ctx, q, e, list.Certificates, r, a.ID); err != nil {
		return nil, err
	}
	if out.blank = blankOn(&list.Profile, r); out.blank.Number != "" {
		held, err := q.Blank(ctx, out.blank)
		if err != nil {
			return nil, err
		}
		if held != nil {
			facts.BlankOf = held.ApplicationID
			facts.BlankAgainst = held.State != BlankUsed || held.ApplicationID != a.ID
		}
		facts.BlankAgainst = facts.BlankAgainst || p.Blank.Number != "" && p.Blank != out.blank
	}
	out.list, out.reading, out.numberOf = list.Certificates, r, facts.NumberOf
	out.anothers = AnothersPage(list.Certificates, r, a.ID, facts)
	certificates, r, err := withAwaited(ctx, q, list.Certificates, r, a)
	if err != nil {
		return nil, err
	}
	out.supported = Supported(certificates, r, a.ID)
	if facts.BlankOf != a.ID {
		out.namesake, err = openNamesake(ctx, q, certificates, r, a.ID)
	}
	return out, err
}

// mostAwaited is how many applications of other exams are held against a choice. One
// that nothing tells apart from the chosen one is enough.
const mostAwaited = 20

// withAwaited adds to a list and to what was read for it the applications of the
// center's other exams whose certificates are awaited and can be read as that of an
// application: a page may lie in the wrong pile. To a name that was compared with the
// application's that of its namesake is the same.
func withAwaited(ctx context.Context, q Queries, list []PrintedCertificate, r *PageReading, a *Application) ([]PrintedCertificate, *PageReading, error) {
	others, err := q.AwaitedAlike(ctx, a, r.Number, mostAwaited)
	if err != nil {
		return nil, nil, fmt.Errorf("awaited like application %d: %w", a.ID, err)
	}
	list, wider := slices.Clone(list), *r
	wider.Candidates = slices.Clone(r.Candidates)
	for i := range others {
		o := &others[i]
		c := PrintedCertificate{ApplicationID: o.ID}
		if o.RegistrationNumber != "" {
			c.Lines = []PrintedLine{{Field: FieldRegistrationNumber, Text: o.RegistrationNumber}}
		}
		list = append(list, c)
		for _, one := range r.Candidates {
			if one.ApplicationID == a.ID && foldName(o.Name()) == foldName(a.Name()) {
				one.ApplicationID = o.ID
				wider.Candidates = append(wider.Candidates, one)
			}
		}
	}
	return list, &wider, nil
}

// openNamesake is the first of namesakesOf whose own certificate is not there yet, as
// far as the machine knows; 0 for none. A person who is mistaken about such a page
// would find nothing on it that tells.
func openNamesake(ctx context.Context, q Queries, list []PrintedCertificate, r *PageReading, applicationID int64) (int64, error) {
	for _, id := range namesakesOf(list, r, applicationID) {
		a, err := q.Application(ctx, System, id)
		if err != nil {
			return 0, fmt.Errorf("application %d: %w", id, err)
		}
		if a.ScanID == 0 {
			return id, nil
		}
		scan, err := q.Scan(ctx, a.ScanID)
		if err != nil {
			return 0, fmt.Errorf("scan %d: %w", a.ScanID, err)
		}
		if !scan.Supported {
			return id, nil
		}
	}
	return 0, nil
}

// numberOf is the application that has the whole number on a page: of the list,
// else of the center, else the one of the exam for which it was printed and that
// has lost it since. It is the chosen one if that has it too, and 0 for nobody.
func numberOf(ctx context.Context, q Queries, e *Exam, list []PrintedCertificate, r *PageReading, chosen int64) (int64, error) {
	if r.Empty || !r.Located || r.Number == "" {
		return 0, nil
	}
	number, _ := settledNumber(r)
	if number == "" {
		return 0, nil
	}
	if owners := ownersOf(list, number); slices.Contains(owners, chosen) {
		return chosen, nil
	} else if len(owners) > 0 {
		return owners[0], nil
	}
	a, err := q.NumberInCenter(ctx, e.CenterID, number)
	if err != nil {
		return 0, err
	}
	if a != nil {
		return a.ID, nil
	}
	return q.PrintedFor(ctx, e.ID, number)
}

// blankOn is the number of the blank on a page, if it was read and the printing
// house has such numbers.
func blankOn(profile *BlankProfile, r *PageReading) BlankKey {
	key, _ := BlankNumberOf(r)
	key, err := key.normal()
	if err != nil || !profile.IsBlankNumber(key.Number) || profile.Series != (key.Series != "") {
		return BlankKey{}
	}
	return key
}

// withoutNumber is a list on which an application has no number: a person is about
// to type another, and what they type themselves supports nothing.
func (l *PageList) withoutNumber(applicationID int64) *PageList {
	out := *l
	out.Certificates = slices.Clone(l.Certificates)
	for i := range out.Certificates {
		if c := &out.Certificates[i]; c.ApplicationID == applicationID {
			c.Lines = slices.DeleteFunc(slices.Clone(c.Lines), func(l PrintedLine) bool { return l.Field == FieldRegistrationNumber })
		}
	}
	return &out
}
