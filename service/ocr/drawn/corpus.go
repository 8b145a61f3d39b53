package drawn

import (
	"context"
	"errors"
	"fmt"
	"image"
	"io"
	"math/rand/v2"
	"slices"
	"strconv"
	"strings"

	"flowbot/service"
)

// What a page of a corpus is.
const (
	KindGood      = "good"      // a certificate of the list
	KindForeign   = "foreign"   // of another exam: somebody on the list, the number one digit off
	KindFalsified = "falsified" // as one on the list, but one digit of its number is another
	KindStranger  = "stranger"  // of another exam, whose people and numbers are others
	KindDuplicate = "duplicate" // a certificate of the list for the second time
	KindSmudged   = "smudged"   // one or two digits of the number are under ink
	KindBlotted   = "blotted"   // digits of the number are hidden, by ink or by what is stamped on them
	KindEmpty     = "empty"
	KindLetter    = "letter"
)

// Page is one page of a corpus with what is true of it.
type Page struct {
	Scan

	ApplicationID int64  // whose certificate it is; 0: nobody's on the list
	Kind          string // one of the kinds above
	Number        string // registration number on it, "" for none
	BlankNumber   string // "" for none
	Hits          []string
}

// Corpus is a batch of pages and the closed list of the exam that they belong to.
type Corpus struct {
	Profile      service.BlankProfile
	Form         service.CertificateForm // of the list
	Certificates []service.PrintedCertificate
	Pages        []Page
}

// Press prints: the project's own printer.
type Press interface {
	Certificates(ctx context.Context, f service.CertificateForm) ([]byte, error)
	CertificateLines(ctx context.Context, f service.CertificateForm) ([][]service.PrintedLine, error)
}

// Order says what a corpus holds besides one good page for each application.
type Order struct {
	Applications int
	Severity     Severity
	Symbology    Symbology
	Foreign      int
	Duplicates   int
	Empty        int
	Letters      int
	Falsified    int // of the list's numbers one after the other: as many as Applications, and each has its false twin
	Strangers    int
	Smudged      int    // every second with a falsified number, of which nobody can see that it is one
	Dir          string // empty; for what is drawn on the way
}

// Parts of invented names. Relatives share last names, namesakes all of it.
var (
	lastNames  = [][2]string{{"Каримов", "KARIMOV"}, {"Рахимов", "RAKHIMOV"}, {"Юсупов", "YUSUPOV"}, {"Назаров", "NAZAROV"}, {"Ибрагимов", "IBRAGIMOV"}, {"Турсунов", "TURSUNOV"}, {"Абдуллаев", "ABDULLAEV"}, {"Сафаров", "SAFAROV"}, {"Холматов", "KHOLMATOV"}, {"Мирзоев", "MIRZOEV"}, {"Саидов", "SAIDOV"}, {"Ли", "LI"}, {"Нгуен", "NGUYEN"}, {"Эргашев", "ERGASHEV"}, {"Джураев", "DZHURAEV"}}
	firstNames = [][2]string{{"Алишер", "ALISHER"}, {"Фаррух", "FARRUKH"}, {"Бахром", "BAKHROM"}, {"Шерзод", "SHERZOD"}, {"Дилшод", "DILSHOD"}, {"Санжар", "SANZHAR"}, {"Тимур", "TIMUR"}, {"Ёкуб", "YOKUB"}, {"Хасан", "KHASAN"}, {"Хусан", "KHUSAN"}, {"Анвар", "ANVAR"}}
	patronyms  = [][2]string{{"Рустамович", "RUSTAMOVICH"}, {"Ахмедович", "AKHMEDOVICH"}, {"Хамидович", "KHAMIDOVICH"}, {"Исмоилович", "ISMOILOVICH"}, {"Шарифович", "SHARIFOVICH"}, {"", ""}}
)

// people invents the certificates of one exam: consecutive numbers, relatives side
// by side, and now and then a namesake.
func people(r *rand.Rand, n int) []service.Certificate {
	issued := service.NewDay(2026, 2, 1+r.IntN(27))
	series, first := 10000+r.IntN(89999), 1+r.IntN(900000)
	var out []service.Certificate
	for i := range n {
		c := service.Certificate{
			Application: strconv.Itoa(i + 1), Level: service.Levels[r.IntN(len(service.Levels))], IssuedOn: issued,
			Institution: "Центром тестирования «Выдуманный мост»", Address: "г. Образцовск, ул. Примерная, д. 5",
			SignatoryPosition: "Директор", SignatoryName: "О. О. Образцова",
			RegistrationNumber: fmt.Sprintf("24-10-%05d-%06d-%d", series, first+i, r.IntN(10)),
		}
		c.ValidUntil = c.Level.ValidUntil(issued)
		last, given, patronym := lastNames[r.IntN(len(lastNames))], firstNames[r.IntN(len(firstNames))], patronyms[r.IntN(len(patronyms))]
		switch {
		case i > 0 && i%9 == 0: // a namesake
			c.Name, c.NameLatin = out[i-1].Name, out[i-1].NameLatin
		case i > 0 && i%5 == 0: // a relative
			words, latin := strings.Fields(out[i-1].Name), strings.Fields(out[i-1].NameLatin)
			c.Name = strings.TrimSpace(words[0] + " " + given[0] + " " + patronym[0])
			c.NameLatin = strings.TrimSpace(latin[0] + " " + given[1] + " " + patronym[1])
		default:
			c.Name = strings.TrimSpace(last[0] + " " + given[0] + " " + patronym[0])
			c.NameLatin = strings.TrimSpace(last[1] + " " + given[1] + " " + patronym[1])
		}
		out = append(out, c)
	}
	return out
}

// Draw makes a corpus. The same seed makes the same one.
func Draw(ctx context.Context, press Press, profile service.BlankProfile, seed uint64, o Order) (_ *Corpus, err error) {
	blank, err := NewBlank(profile)
	if err != nil {
		return nil, err
	}
	d, err := NewDrawing(ctx, press, blank, seed, o)
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, d.Close()) }()
	c := d.Corpus
	for {
		page, err := d.Next(ctx)
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			return nil, err
		}
		c.Pages = append(c.Pages, *page)
	}
	d.r.Shuffle(len(c.Pages), func(i, j int) { c.Pages[i], c.Pages[j] = c.Pages[j], c.Pages[i] })
	return &c, nil
}

// Drawing draws the pages of a corpus one by one, for corpora that are larger than
// the memory. It is not safe for concurrent use.
type Drawing struct {
	Corpus // whose Pages stay empty

	r      *rand.Rand
	blank  *Blank
	order  Order
	sheets []printed
	next   int
	prints *prints
}

// NewDrawing begins a corpus on that blank. Close ends it.
func NewDrawing(ctx context.Context, press Press, blank *Blank, seed uint64, o Order) (*Drawing, error) {
	d := &Drawing{r: rand.New(rand.NewPCG(seed, 77)), blank: blank, order: o} //nolint:gosec // nothing secret is drawn
	d.Profile = blank.profile
	d.Form = service.CertificateForm{Exam: "1", Date: service.NewDay(2026, 2, 1), Profile: d.Profile, Certificates: people(d.r, o.Applications)}
	lines, err := press.CertificateLines(ctx, d.Form)
	if err != nil {
		return nil, fmt.Errorf("lines of a corpus: %w", err)
	}
	for i := range lines {
		d.Certificates = append(d.Certificates, service.PrintedCertificate{ApplicationID: int64(i + 1), Lines: lines[i]})
	}
	d.sheets = d.Corpus.sheets(d.r, o)
	form := d.Form
	form.Certificates = nil
	for _, s := range d.sheets {
		form.Certificates = append(form.Certificates, s.certificate)
	}
	if d.prints, err = newPrints(ctx, press, form, o.Dir); err != nil {
		return nil, err
	}
	return d, nil
}

// Next draws the next page: the certificates, then what is none. After the last it
// is io.EOF.
func (d *Drawing) Next(ctx context.Context) (*Page, error) {
	if err := ctx.Err(); err != nil {
		return nil, fmt.Errorf("draw a page: %w", err)
	}
	n := d.next
	d.next++
	if n < len(d.sheets) {
		ink, err := d.prints.next()
		if err != nil {
			return nil, err
		}
		return d.scan(d.r, d.blank, &d.sheets[n], ink, d.order)
	}
	var data []byte
	var err error
	kind := KindEmpty
	switch n -= len(d.sheets); {
	case n < d.order.Empty:
		data, err = Empty(d.r, d.r.IntN(2) == 0)
	case n < d.order.Empty+d.order.Letters:
		kind = KindLetter
		data, err = d.blank.Letter(d.r)
	default:
		return nil, io.EOF
	}
	if err != nil {
		return nil, err
	}
	return &Page{Scan: Scan{JPEG: data}, Kind: kind}, nil
}

// Close ends what draws the print.
func (d *Drawing) Close() error { return d.prints.close() }

// Falsify returns a registration number with one digit, drawn at random, changed
// into another, and its place among the digits.
func Falsify(r *rand.Rand, number string) (falsified string, digit int) {
	var places []int
	for i, c := range number {
		if c >= '0' && c <= '9' {
			places = append(places, i)
		}
	}
	if len(places) == 0 {
		return number, 0
	}
	digit = r.IntN(len(places))
	out := []byte(number)
	out[places[digit]] = '0' + (out[places[digit]]-'0'+byte(1+r.IntN(9)))%10 //nolint:gosec // 1 to 9
	return string(out), digit
}

// printed is a certificate that is to be printed and scanned.
type printed struct {
	certificate service.Certificate
	page        Page
	hidden      []int // digits of its number that ink lies on, counted from 0
}

// sheets lists what is printed.
func (c *Corpus) sheets(r *rand.Rand, o Order) []printed {
	var out []printed
	for i, certificate := range c.Form.Certificates {
		out = append(out, printed{certificate: certificate, page: Page{ApplicationID: int64(i + 1), Kind: KindGood, Number: certificate.RegistrationNumber}})
	}
	taken := map[string]bool{}
	for _, p := range out {
		taken[p.certificate.RegistrationNumber] = true
	}
	for range o.Foreign { // the same person at another exam, whose number differs in one digit
		other := c.Form.Certificates[r.IntN(len(c.Form.Certificates))]
		for taken[other.RegistrationNumber] {
			digits := []byte(other.RegistrationNumber)
			k := r.IntN(len(digits))
			if digits[k] != '-' {
				digits[k] = '0' + (digits[k]-'0'+byte(1+r.UintN(9)))%10 //nolint:gosec // 1 to 9
			}
			other.RegistrationNumber = string(digits)
		}
		taken[other.RegistrationNumber] = true
		out = append(out, printed{certificate: other, page: Page{Kind: KindForeign, Number: other.RegistrationNumber}})
	}
	for range o.Duplicates {
		p := out[r.IntN(len(c.Form.Certificates))]
		p.page.Kind = KindDuplicate
		out = append(out, p)
	}
	return append(out, c.twins(r, o, taken)...)
}

// twins lists what could be taken for a certificate of the list and is none, or
// cannot be told from such.
func (c *Corpus) twins(r *rand.Rand, o Order, taken map[string]bool) []printed {
	var out []printed
	list := c.Form.Certificates
	falsified := func(i int) (service.Certificate, int) {
		twin := list[i%len(list)]
		for {
			number, digit := Falsify(r, twin.RegistrationNumber)
			if !taken[number] {
				twin.RegistrationNumber = number
				return twin, digit
			}
		}
	}
	for i := range o.Falsified {
		twin, _ := falsified(i)
		taken[twin.RegistrationNumber] = true
		out = append(out, printed{certificate: twin, page: Page{Kind: KindFalsified, Number: twin.RegistrationNumber}})
	}
	if o.Strangers > 0 {
		for _, other := range people(r, o.Strangers) {
			out = append(out, printed{certificate: other, page: Page{Kind: KindStranger, Number: other.RegistrationNumber}})
		}
	}
	for i := range o.Smudged {
		k := r.IntN(len(list))
		p := printed{certificate: list[k], page: Page{ApplicationID: int64(k + 1), Kind: KindSmudged}}
		if i%2 == 1 {
			twin, digit := falsified(k)
			p.certificate, p.page.ApplicationID, p.hidden = twin, 0, []int{digit}
		} else {
			_, digit := Falsify(r, list[k].RegistrationNumber)
			p.hidden = []int{digit}
		}
		if r.IntN(3) == 0 {
			_, second := Falsify(r, list[k].RegistrationNumber)
			p.hidden = append(p.hidden, second)
		}
		p.page.Number = p.certificate.RegistrationNumber
		out = append(out, p)
	}
	return out
}

// scan puts a printed sheet on its blank, handles it as people do, and scans it.
func (c *Corpus) scan(r *rand.Rand, blank *Blank, s *printed, ink *image.Gray, o Order) (*Page, error) {
	v := &o.Severity
	number := fmt.Sprintf("%0*d", c.Profile.Digits, r.Int64N(pow10(min(c.Profile.Digits, 18))))
	sheet, err := blank.Numbered("АБ", number, o.Symbology)
	if err != nil {
		return nil, err
	}
	page := s.page
	page.BlankNumber = number
	right, down := v.Misprint.draw(r), v.Misprint.draw(r)
	sheet.Print(ink, right, down, v.Faded.draw(r))
	seal := func(region service.Region, share float64, hit string) {
		box, ok := c.Profile.Region(region)
		if !ok || r.Float64() >= share {
			return
		}
		page.Hits = append(page.Hits, hit)
		sheet.Stamp(r, box.X+box.Width*r.Float64(), box.Y+box.Height/2+8*(r.Float64()-.5))
	}
	sheet.Stamp(r, c.Profile.Sheet.Width*.86, c.Profile.Sheet.Height*.87)
	sheet.Sign(r, c.Profile.Sheet.Width*.66, c.Profile.Sheet.Height*.82)
	seal(service.RegionRegistrationNumber, v.StampNumber, "stamp on number")
	seal(service.RegionName, v.StampName, "stamp on name")
	if box, ok := c.Profile.Region(service.RegionRegistrationNumber); ok {
		if r.Float64() < v.SignNumber {
			page.Hits = append(page.Hits, "signature on number")
			sheet.Sign(r, box.X+box.Width*r.Float64(), box.Y+box.Height/2)
		}
		if page.Kind == KindGood && r.Float64() < v.Blotted {
			page.Kind = KindBlotted
			sheet.Blot(r, box)
		}
	}
	if err := c.smudge(r, blank, sheet, s.hidden, right, down); err != nil {
		return nil, err
	}
	hidden, err := c.hidden(blank, sheet, right, down)
	if err != nil {
		return nil, err
	}
	if page.Kind == KindGood && hidden {
		page.Kind = KindBlotted
	}
	scan, err := v.Scan(r, sheet)
	if err != nil {
		return nil, err
	}
	page.Scan = *scan
	return &page, nil
}

// smudge lays ink on digits of the sheet's number.
func (c *Corpus) smudge(r *rand.Rand, blank *Blank, s *Sheet, digits []int, right, down float64) error {
	if len(digits) == 0 {
		return nil
	}
	for _, line := range c.Certificates[0].Of(service.FieldRegistrationNumber) {
		cells, err := blank.Cells(line, right, down)
		if err != nil {
			return err
		}
		for _, k := range digits {
			s.Smudge(r, cells[k])
		}
	}
	return nil
}

// hidden tells whether nobody could read a digit of the sheet's number.
func (c *Corpus) hidden(blank *Blank, s *Sheet, right, down float64) (bool, error) {
	for _, line := range c.Certificates[0].Of(service.FieldRegistrationNumber) {
		cells, err := blank.Cells(line, right, down)
		if err != nil {
			return false, err
		}
		if slices.ContainsFunc(cells, s.Hidden) {
			return true, nil
		}
	}
	return false, nil
}

func pow10(n int) int64 {
	p := int64(1)
	for range n {
		p *= 10
	}
	return p
}
