package service

import (
	"context"
	"fmt"
	"strconv"
	"strings"
	"time"
	"unicode"
)

// Blank is a strict blank of which something became: it bears a certificate, or
// it is spoiled. A blank of a received range that has no row is free.
type Blank struct {
	ID            int64 `bun:",pk,autoincrement"`
	CenterID      int64
	Series        string // "" where the printing house has none
	Number        string // ASCII digits, as they stand under the bar code
	State         BlankState
	ApplicationID int64     `bun:",nullzero"` // whose certificate it bears, or bore; 0: none
	Reason        string    // why it is spoiled; BlankReplaced when its scan was replaced
	ChangedBy     int64     `bun:",nullzero"`
	ChangedAt     time.Time // UTC
	Revision      int       // +1 on every change

	Application string `bun:",scanonly"` // number of the application
	By          string `bun:",scanonly"` // name of who changed it
}

// Key is the series and the number.
func (b *Blank) Key() BlankKey { return BlankKey{b.Series, b.Number} }

// BlankState is what became of a blank.
type BlankState string

// The states.
const (
	BlankUsed    BlankState = "used" // bears a certificate
	BlankSpoiled BlankState = "spoiled"
)

// BlankReplaced is the reason of a blank that is spoiled because the scan of its
// certificate was replaced by that of another blank. People are told in words.
const BlankReplaced = "replaced"

// BlankKey names a blank.
type BlankKey struct {
	Series string // "" where the printing house has none
	Number string
}

// String is the key as people write it.
func (k BlankKey) String() string { return joined(k.Series, k.Number) }

// BlankRange is a run of blanks that a center has received, both ends included.
type BlankRange struct {
	ID         int64 `bun:",pk,autoincrement"`
	CenterID   int64
	Series     string
	First      string // as many digits as Last
	Last       string
	Count      int
	ReceivedOn Day `bun:"type:date"`
	AddedBy    int64
	AddedAt    time.Time  // UTC
	RemovedAt  *time.Time // UTC; nil while it stands

	Used    int `bun:",scanonly"` // of these, bear a certificate
	Spoiled int `bun:",scanonly"` // of these
}

// String is the range as people write it.
func (r BlankRange) String() string { return joined(r.Series, r.First+"–"+r.Last) }

// Free is how many of the range are neither used nor spoiled.
func (r BlankRange) Free() int { return r.Count - r.Used - r.Spoiled }

// BlankCounts is how a center stands with its blanks.
type BlankCounts struct {
	Received int // in ranges
	Used     int // bear a certificate, of any range or none
	Spoiled  int // of any range or none
	Free     int // of the received
	Unnamed  int // loaded scans whose blank nobody has said
}

// The refusals about blanks.
const (
	ReasonBlankNumber    Reason = "blank.number"     // Data: maxBlankNumber
	ReasonBlankSeries    Reason = "blank.series"     // Data: maxBlankSeries
	ReasonBlankUsed      Reason = "blank.used"       // used or spoiled; Data: BlankFault, nil when a race told
	ReasonBlankPattern   Reason = "blank.pattern"    // Data: BlankPattern
	ReasonBlankOutside   Reason = "blank.outside"    // in no range; Data: BlankFault
	ReasonBlankRange     Reason = "blank.range"      // no two numbers of one length in their order
	ReasonBlankRangeLong Reason = "blank.range_long" // Data: maxBlankRange
	ReasonBlankOverlap   Reason = "blank.overlap"    // Data: BlankRange that has some of them
	ReasonBlankRangeUsed Reason = "blank.range_used" // Data: BlankRange
	ReasonBlankDayLate   Reason = "blank.day_late"   // received in the future
	ReasonBlankNone      Reason = "blank.none"       // the application's certificate is on no blank
	ReasonBlankSound     Reason = "blank.sound"      // it is not spoiled; Data: BlankFault
)

// BlankFault is the Data of a refused blank. What belongs to another center is
// not told: then State and Application are empty.
type BlankFault struct {
	Series, Number string
	State          BlankState
	Application    string // number of the application whose certificate it bears or bore
	Reason         string // why it is spoiled
}

// Bounds of what is typed. A house prints 13 digits under its bar code; series
// in use have 2 to 5 letters.
const (
	maxBlankNumber = 18 // digits: what an int64 counts
	maxBlankSeries = 10
	maxBlankRange  = 1_000_000 // blanks of one range
)

// BlankQueries asks about blanks.
type BlankQueries interface {
	// Blank returns what became of a blank, nil when nothing did.
	Blank(ctx context.Context, key BlankKey) (*Blank, error)
	// BlanksUsedBy lists the blanks that are noted to bear the certificate of an
	// application: more than one after a replacement on a blank that nobody has named.
	BlanksUsedBy(ctx context.Context, applicationID int64) ([]Blank, error)
	// BlankCounts counts the blanks of a center.
	BlankCounts(ctx context.Context, centerID int64) (BlankCounts, error)
	// BlankRanges lists the ranges of a center, newest first, from offset on, at
	// most limit.
	BlankRanges(ctx context.Context, centerID int64, offset, limit int) ([]BlankRange, error)
	// BlankRange returns a range that stands.
	BlankRange(ctx context.Context, id int64) (*BlankRange, error)
	// BlankRangeOver returns a range of the center that shares a number with r,
	// nil when there is none.
	BlankRangeOver(ctx context.Context, r BlankRange) (*BlankRange, error)
	// BlankInRange reports whether the center has recorded any range, and whether
	// the blank is in one of them.
	BlankInRange(ctx context.Context, centerID int64, key BlankKey) (recorded, inside bool, err error)
	// BlankList lists the used and spoiled blanks of a center, newest first, from
	// offset on, at most limit.
	BlankList(ctx context.Context, centerID int64, offset, limit int) ([]Blank, error)
}

// BlankCommands changes what is known of blanks. Whoever changes a blank that
// bears a certificate has locked the exam before.
type BlankCommands interface {
	// HoldBlanks has whoever else changes ranges of the center wait until the
	// transaction ends.
	HoldBlanks(ctx context.Context, centerID int64) error
	InsertBlankRange(ctx context.Context, r *BlankRange) error
	// RemoveBlankRange ends a range that stands.
	RemoveBlankRange(ctx context.Context, id int64, at time.Time) error
	// BlankForUpdate is Blank and holds the row.
	BlankForUpdate(ctx context.Context, key BlankKey) (*Blank, error)
	// InsertBlank is refused with ReasonBlankUsed when another transaction was
	// faster.
	InsertBlank(ctx context.Context, b *Blank) error
	// SaveBlank writes state, application, reason, who changed it when, and the
	// revision.
	SaveBlank(ctx context.Context, b *Blank) error
}

// Blanks accounts for the strict blanks of testing centres, one by one.
type Blanks struct {
	store Store
	now   Clock
}

// NewBlanks returns the use cases over store.
func NewBlanks(store Store, now Clock) *Blanks { return &Blanks{store: store, now: now} }

// ReadBlank reads a blank's series and number as people type them: «АБ 000123»,
// «0000000000123», «АБ № 000 123». The number is what stands at the end.
func ReadBlank(text string) (BlankKey, error) {
	text = PlainName(text)
	if series, number, ok := strings.Cut(text, "№"); ok {
		return BlankKey{series, number}.normal()
	}
	text = strings.TrimFunc(text, isEdge)
	number := text[len(strings.TrimRight(text, "0123456789 ")):]
	series := strings.TrimSuffix(text, number)
	if series != "" && !strings.ContainsFunc(series, unicode.IsLetter) {
		return BlankKey{}, refuseWith(Invalid, ReasonBlankNumber, maxBlankNumber)
	}
	return BlankKey{series, number}.normal()
}

// isEdge tells what is trimmed at the ends of series and numbers.
func isEdge(r rune) bool { return unicode.IsSpace(r) || isDash(r) }

// inOne drops what may surround and part the letters of a series or a number.
func inOne(s string) string {
	return strings.Join(strings.Fields(strings.TrimFunc(PlainName(s), isEdge)), "")
}

// normal is the key as it is stored: no spaces, no hyphens at the edges, letters
// of a series in capitals and of one alphabet. Both stay texts: leading zeros
// count.
func (k BlankKey) normal() (BlankKey, error) {
	out := BlankKey{Number: inOne(k.Number)}
	if n := len(out.Number); n == 0 || n > maxBlankNumber || strings.Trim(out.Number, "0123456789") != "" {
		return BlankKey{}, refuseWith(Invalid, ReasonBlankNumber, maxBlankNumber)
	}
	var ok bool
	if out.Series, ok = oneAlphabet(strings.ToUpper(inOne(k.Series))); !ok || len([]rune(out.Series)) > maxBlankSeries {
		return BlankKey{}, refuseWith(Invalid, ReasonBlankSeries, maxBlankSeries)
	}
	return out, nil
}

// alike are the capitals that look the same in both alphabets, Cyrillic to Latin.
var alike = map[rune]rune{
	'А': 'A', 'В': 'B', 'Е': 'E', 'К': 'K', 'М': 'M', 'Н': 'H', 'О': 'O', 'Р': 'P', 'С': 'C', 'Т': 'T', 'У': 'Y', 'Х': 'X',
}

// oneAlphabet writes a series of capitals and digits in Cyrillic if its letters
// allow that, else in Latin: what looks the same is the same. It reports false
// for anything else.
func oneAlphabet(s string) (string, bool) {
	toCyrillic := make(map[rune]rune, len(alike))
	for cyrillic, latin := range alike {
		toCyrillic[latin] = cyrillic
	}
	for _, try := range []struct {
		alphabet *unicode.RangeTable
		fold     map[rune]rune
	}{{unicode.Cyrillic, toCyrillic}, {unicode.Latin, alike}} {
		foreign := false
		out := strings.Map(func(r rune) rune {
			if folded, known := try.fold[r]; known {
				r = folded
			}
			isDigit, isLetter := r >= '0' && r <= '9', unicode.Is(try.alphabet, r) && unicode.IsUpper(r)
			foreign = foreign || !isDigit && !isLetter
			return r
		}, s)
		if !foreign {
			return out, true
		}
	}
	return "", false
}

// ReadBlankRange reads a range as people type it: «0000000000101–0000000000200»,
// with the series, where there is one, before the first number.
func ReadBlankRange(text string) (BlankRange, error) {
	text = PlainName(text)
	number := func(r rune) bool { return r < '0' || r > '9' }
	ends := strings.FieldsFunc(text, number)
	if len(ends) < 2 {
		return BlankRange{}, refuse(Invalid, ReasonBlankRange)
	}
	first, last := ends[len(ends)-2], ends[len(ends)-1]
	rest := strings.TrimRightFunc(text, isEdge)
	between, ok := strings.CutSuffix(rest, last)
	if !ok {
		return BlankRange{}, refuse(Invalid, ReasonBlankRange)
	}
	rest = strings.TrimRightFunc(between, isEdge)
	before, ok := strings.CutSuffix(rest, first)
	if !ok || rest == between {
		return BlankRange{}, refuse(Invalid, ReasonBlankRange)
	}
	before = strings.TrimSuffix(strings.TrimSpace(before), "№")
	return BlankRange{Series: before, First: first, Last: last}.normal()
}

// normal checks a range and counts it.
func (r BlankRange) normal() (BlankRange, error) {
	first, err := BlankKey{r.Series, r.First}.normal()
	if err != nil {
		return BlankRange{}, err
	}
	last, err := BlankKey{r.Series, r.Last}.normal()
	if err != nil {
		return BlankRange{}, err
	}
	r.Series, r.First, r.Last = first.Series, first.Number, last.Number
	from, err := strconv.ParseInt(r.First, 10, 64)
	if err != nil {
		return BlankRange{}, refuseWith(Invalid, ReasonBlankNumber, maxBlankNumber)
	}
	to, err := strconv.ParseInt(r.Last, 10, 64)
	if err != nil {
		return BlankRange{}, refuseWith(Invalid, ReasonBlankNumber, maxBlankNumber)
	}
	if len(r.First) != len(r.Last) || from > to {
		return BlankRange{}, refuse(Invalid, ReasonBlankRange)
	}
	if to-from >= maxBlankRange {
		return BlankRange{}, refuseWith(Invalid, ReasonBlankRangeLong, maxBlankRange)
	}
	r.Count = int(to-from) + 1
	return r, nil
}

// BlankView is everything that the card of a center's blanks shows.
type BlankView struct {
	Org    Org // the center
	Counts BlankCounts
	Today  Day // in the center's zone
}

// View returns how a center stands with its blanks, for its staff.
func (s *Blanks) View(ctx context.Context, by Actor, centerID int64) (*BlankView, error) {
	if err := isStaffOf(by, centerID); err != nil {
		return nil, err
	}
	org, err := s.store.Org(ctx, centerID)
	if err != nil {
		return nil, fmt.Errorf("blanks of center %d: %w", centerID, err)
	}
	loc, err := org.Location()
	if err != nil {
		return nil, err
	}
	v := &BlankView{Org: *org, Today: DayOf(s.now(), loc)}
	if v.Counts, err = s.store.BlankCounts(ctx, centerID); err != nil {
		return nil, fmt.Errorf("blanks of center %d: %w", centerID, err)
	}
	return v, nil
}

// Ranges lists the ranges that a center has received, newest first, for its
// staff.
func (s *Blanks) Ranges(ctx context.Context, by Actor, centerID int64, offset, limit int) ([]BlankRange, error) {
	if err := isStaffOf(by, centerID); err != nil {
		return nil, err
	}
	list, err := s.store.BlankRanges(ctx, centerID, offset, limit)
	if err != nil {
		return nil, fmt.Errorf("blank ranges of center %d: %w", centerID, err)
	}
	return list, nil
}

// Range returns a range for the staff of its center.
func (s *Blanks) Range(ctx context.Context, by Actor, id int64) (*BlankRange, error) {
	r, err := s.store.BlankRange(ctx, id)
	if err != nil {
		return nil, fmt.Errorf("blank range %d: %w", id, err)
	}
	if isStaffOf(by, r.CenterID) != nil {
		return nil, refuse(NotFound, ReasonNotFound)
	}
	return r, nil
}

// List lists the used and spoiled blanks of a center, newest first, for its
// staff.
func (s *Blanks) List(ctx context.Context, by Actor, centerID int64, offset, limit int) ([]Blank, error) {
	if err := isStaffOf(by, centerID); err != nil {
		return nil, err
	}
	list, err := s.store.BlankList(ctx, centerID, offset, limit)
	if err != nil {
		return nil, fmt.Errorf("blanks of center %d: %w", centerID, err)
	}
	return list, nil
}

// NamedBlank is what is known of a blank that somebody names.
type NamedBlank struct {
	Application string // number of the application whose certificate it bears, "" for none
	Outside     bool   // the center has recorded ranges, and it is in none
}

// Check tells what is known of a blank that somebody of the center names, or the
// refusal that spoiling it would meet.
func (s *Blanks) Check(ctx context.Context, by Actor, centerID int64, key BlankKey) (NamedBlank, error) {
	if err := isStaffOf(by, centerID); err != nil {
		return NamedBlank{}, err
	}
	key, err := key.normal()
	if err != nil {
		return NamedBlank{}, err
	}
	held, err := s.store.Blank(ctx, key)
	if err != nil {
		return NamedBlank{}, fmt.Errorf("blank: %w", err)
	}
	if held != nil && (held.State == BlankSpoiled || held.CenterID != centerID) {
		return NamedBlank{}, blankTaken(held, centerID)
	}
	recorded, inside, err := s.store.BlankInRange(ctx, centerID, key)
	if err != nil {
		return NamedBlank{}, fmt.Errorf("blank: %w", err)
	}
	out := NamedBlank{Outside: recorded && !inside}
	if held != nil {
		out.Application = held.Application
	}
	return out, nil
}

// blankTaken is the refusal of a blank of which something became already.
func blankTaken(b *Blank, centerID int64) error {
	fault := BlankFault{Series: b.Series, Number: b.Number}
	if b.CenterID == centerID {
		fault.State, fault.Application, fault.Reason = b.State, b.Application, b.Reason
	}
	return refuseWith(Invalid, ReasonBlankUsed, fault)
}

// blankScene is a center in which something is done about blanks.
type blankScene struct {
	tx       Tx
	by       Actor // with the rights as they stand now
	centerID int64
	today    Day // in the center's zone
	now      time.Time
}

// blanks is the scene of an exam's center.
func (sc *examScene) blanks() *blankScene {
	return &blankScene{tx: sc.tx, by: sc.by, centerID: sc.exam.CenterID, today: sc.today, now: sc.now}
}

// atCenter runs fn for staff of the center. Rights are asked once more inside.
func (s *Blanks) atCenter(ctx context.Context, by Actor, centerID int64, fn func(context.Context, *blankScene) error) error {
	return s.store.InTx(ctx, func(ctx context.Context, tx Tx) error {
		sc, err := enterBlanks(ctx, tx, s.now, by, centerID)
		if err != nil {
			return err
		}
		return fn(ctx, sc)
	})
}

func enterBlanks(ctx context.Context, tx Tx, now Clock, by Actor, centerID int64) (*blankScene, error) {
	sc := &blankScene{tx: tx, centerID: centerID, now: now().UTC()}
	var err error
	if sc.by, err = tx.ActorByID(ctx, by.PersonID); err != nil {
		return nil, err
	}
	if err := isStaffOf(sc.by, centerID); err != nil {
		return nil, err
	}
	org, err := tx.Org(ctx, centerID)
	if err != nil {
		return nil, fmt.Errorf("organisation %d: %w", centerID, err)
	}
	loc, err := org.Location()
	if err != nil {
		return nil, err
	}
	sc.today = DayOf(sc.now, loc)
	return sc, nil
}

// note writes one step of the life of a blank.
func (sc *blankScene) note(ctx context.Context, b *Blank, event string, from BlankState, comment string) error {
	return sc.tx.AddHistory(ctx, History{
		Subject: SubjectBlank, SubjectID: b.ID, At: sc.now, PersonID: sc.by.PersonID,
		Event: event, FromStatus: string(from), ToStatus: string(b.State), Comment: comment,
	})
}

// noteCenter writes what was done about ranges.
func (sc *blankScene) noteCenter(ctx context.Context, event string, r BlankRange) error {
	return sc.tx.AddHistory(ctx, History{
		Subject: SubjectCenter, SubjectID: sc.centerID, At: sc.now, PersonID: sc.by.PersonID, Event: event, Comment: r.String(),
	})
}

// ReceiveBlanks says which range a center has received.
type ReceiveBlanks struct {
	CenterID   int64
	Range      BlankRange // series, first and last
	ReceivedOn Day
}

// Receive records a range. One that shares a number with another of the center
// is refused, and that one is named.
func (s *Blanks) Receive(ctx context.Context, by Actor, in ReceiveBlanks) (*BlankRange, error) {
	r, err := in.Range.normal()
	if err != nil {
		return nil, err
	}
	err = s.atCenter(ctx, by, in.CenterID, func(ctx context.Context, sc *blankScene) error {
		if in.ReceivedOn.IsZero() || in.ReceivedOn.After(sc.today) {
			return refuse(Invalid, ReasonBlankDayLate)
		}
		if err := sc.tx.HoldBlanks(ctx, in.CenterID); err != nil {
			return err
		}
		r.CenterID, r.ReceivedOn, r.AddedBy, r.AddedAt = in.CenterID, in.ReceivedOn, sc.by.PersonID, sc.now
		if err := notReceived(ctx, sc.tx, r); err != nil {
			return err
		}
		if err := sc.tx.InsertBlankRange(ctx, &r); err != nil {
			return err
		}
		return sc.noteCenter(ctx, "receive_blanks", r)
	})
	if err != nil {
		return nil, fmt.Errorf("receive blanks of center %d: %w", in.CenterID, err)
	}
	return &r, nil
}

// notReceived refuses a range that shares a number with another of the center.
func notReceived(ctx context.Context, q Queries, r BlankRange) error {
	over, err := q.BlankRangeOver(ctx, r)
	if err != nil {
		return fmt.Errorf("blank range: %w", err)
	}
	if over != nil {
		return refuseWith(Invalid, ReasonBlankOverlap, *over)
	}
	return nil
}

// CheckRange is the refusal that receiving the range would meet now, or nil with
// the range as it would be stored.
func (s *Blanks) CheckRange(ctx context.Context, by Actor, centerID int64, r BlankRange) (BlankRange, error) {
	if err := isStaffOf(by, centerID); err != nil {
		return BlankRange{}, err
	}
	r, err := r.normal()
	if err != nil {
		return BlankRange{}, err
	}
	r.CenterID = centerID
	return r, notReceived(ctx, s.store, r)
}

// RemoveRange takes a range back of which nothing was used or spoiled.
func (s *Blanks) RemoveRange(ctx context.Context, by Actor, id int64) (*BlankRange, error) {
	seen, err := s.Range(ctx, by, id)
	if err != nil {
		return nil, err
	}
	err = s.atCenter(ctx, by, seen.CenterID, func(ctx context.Context, sc *blankScene) error {
		if err := sc.tx.HoldBlanks(ctx, sc.centerID); err != nil {
			return err
		}
		r, err := sc.tx.BlankRange(ctx, id)
		if err != nil {
			return err
		}
		if r.Used+r.Spoiled > 0 {
			return refuseWith(Conflict, ReasonBlankRangeUsed, *r)
		}
		if err := sc.tx.RemoveBlankRange(ctx, id, sc.now); err != nil {
			return err
		}
		return sc.noteCenter(ctx, "remove_blanks", *r)
	})
	if err != nil {
		return nil, fmt.Errorf("remove blank range %d: %w", id, err)
	}
	return seen, nil
}

// Spoil marks a blank of the center as spoiled, by its number. If it bears a
// loaded certificate, its scan stands until it is replaced. A blank that is
// spoiled already, or that another center has used, is refused.
func (s *Blanks) Spoil(ctx context.Context, by Actor, centerID int64, key BlankKey, reason string) (*Blank, error) {
	key, err := key.normal()
	if err != nil {
		return nil, err
	}
	if err := CheckComment(reason); err != nil {
		return nil, err
	}
	var out *Blank
	err = s.store.InTx(ctx, func(ctx context.Context, tx Tx) error {
		held, err := tx.Blank(ctx, key)
		if err != nil {
			return err
		}
		if held != nil && held.CenterID == centerID && held.State == BlankUsed {
			out, err = s.spoilUsed(ctx, tx, by, held, reason)
			return err
		}
		sc, err := enterBlanks(ctx, tx, s.now, by, centerID)
		if err != nil {
			return err
		}
		if held != nil {
			return blankTaken(held, centerID)
		}
		out = &Blank{CenterID: centerID, Series: key.Series, Number: key.Number}
		return sc.spoil(ctx, out, reason)
	})
	if err != nil {
		return nil, fmt.Errorf("spoil blank: %w", err)
	}
	return out, nil
}

// spoilUsed spoils a blank that bears a certificate: its exam is held first.
func (s *Blanks) spoilUsed(ctx context.Context, tx Tx, by Actor, seen *Blank, reason string) (*Blank, error) {
	a, err := tx.Application(ctx, by, seen.ApplicationID)
	if err != nil {
		return nil, err
	}
	sc, err := enterExam(ctx, tx, s.now, by, a.ExamID)
	if err != nil {
		return nil, err
	}
	list, err := tx.ApplicationsForUpdate(ctx, a.ExamID, []int64{a.ID})
	if err != nil {
		return nil, err
	}
	if len(list) == 0 {
		return nil, refuse(NotFound, ReasonNotFound)
	}
	return sc.spoilBlankOf(ctx, &list[0], seen.Key(), reason)
}

// SpoilOf marks the blank that an application's certificate is on as spoiled.
// Its scan stands until it is replaced. Revision is the application's.
func (s *Blanks) SpoilOf(ctx context.Context, by Actor, applicationID int64, revision int, reason string) (*Blank, error) {
	if err := CheckComment(reason); err != nil {
		return nil, err
	}
	var out *Blank
	err := inApplication(ctx, s.store, s.now, by, applicationID, func(ctx context.Context, sc *examScene, a *Application) error {
		if a.Revision != revision {
			return movedOn(ctx, sc.tx, sc.by, SubjectApplication, a.ID, nil)
		}
		if a.BlankNumber == "" {
			return refuse(Conflict, ReasonBlankNone)
		}
		var err error
		out, err = sc.spoilBlankOf(ctx, a, BlankKey{a.BlankSeries, a.BlankNumber}, reason)
		return err
	})
	if err != nil {
		return nil, fmt.Errorf("spoil blank of application %d: %w", applicationID, err)
	}
	return out, nil
}

// spoilBlankOf spoils a blank that bears, or bore, the certificate of an
// application which is held.
func (sc *examScene) spoilBlankOf(ctx context.Context, a *Application, key BlankKey, reason string) (*Blank, error) {
	b, err := sc.tx.BlankForUpdate(ctx, key)
	if err != nil {
		return nil, err
	}
	if b == nil || b.State != BlankUsed || b.ApplicationID != a.ID {
		return nil, movedOn(ctx, sc.tx, sc.by, SubjectApplication, a.ID, nil)
	}
	if err := sc.blanks().spoil(ctx, b, reason); err != nil {
		return nil, err
	}
	a.Revision++
	if err := sc.tx.SaveApplications(ctx, []Application{*a}); err != nil {
		return nil, err
	}
	status := string(a.Status())
	return b, sc.note(ctx, SubjectApplication, a.ID, "spoil_blank", status, status, key.String())
}

// spoil writes that a blank is spoiled: a new row, or one that is held.
func (sc *blankScene) spoil(ctx context.Context, b *Blank, reason string) error {
	from := b.State
	b.State, b.Reason, b.ChangedBy, b.ChangedAt = BlankSpoiled, plainText(reason), sc.by.PersonID, sc.now
	b.Revision++
	save := sc.tx.SaveBlank
	if b.ID == 0 {
		save = sc.tx.InsertBlank
	}
	if err := save(ctx, b); err != nil {
		return err
	}
	return sc.note(ctx, b, "spoil", from, b.Reason)
}

// use writes that a blank bears the certificate of an application. One of which
// something became already is refused; of two who use it at one moment one wins.
func (sc *blankScene) use(ctx context.Context, key BlankKey, applicationID int64) error {
	held, err := sc.tx.BlankForUpdate(ctx, key)
	if err != nil {
		return err
	}
	if held != nil {
		if held.State == BlankUsed && held.ApplicationID == applicationID {
			return nil // the same blank, scanned once more
		}
		return blankTaken(held, sc.centerID)
	}
	b := &Blank{
		CenterID: sc.centerID, Series: key.Series, Number: key.Number, State: BlankUsed,
		ApplicationID: applicationID, ChangedBy: sc.by.PersonID, ChangedAt: sc.now, Revision: 1,
	}
	if err := sc.tx.InsertBlank(ctx, b); err != nil {
		return err
	}
	return sc.note(ctx, b, "use", "", "")
}
