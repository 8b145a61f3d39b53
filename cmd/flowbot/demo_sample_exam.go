package main

import (
	"context"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"

	"flowbot/service"
)

// sampleExam is an invented exam of the invented center. Days count from today.
type sampleExam struct {
	number     string
	held       int
	candidates []sampleCandidate
	results    bool // they are known
	protocol   bool // it was uploaded
	approved   bool // and approved
	numbered   bool // ФИС ФРДО has given the numbers
	loaded     int  // of the candidates, the first ones have their scan
	handed     int  // and their paper
}

// sampleCandidate is somebody invented who sits an exam.
type sampleCandidate struct {
	name        [3]string // last, first, middle
	latin       [3]string
	born        string // ДД.ММ.ГГГГ
	gender      string
	document    string
	citizenship string
	phone       string
	language    string
	level       string
	result      string // "" passed
	violations  string // "" none
	comment     string
}

// outcome is the candidate's result in the words of the sheet.
func (c *sampleCandidate) outcome() string {
	if c.result == "" {
		return "Сдал"
	}
	return c.result
}

// passed tells whether a certificate is due.
func (c *sampleCandidate) passed() bool { return c.result == "" && c.violations == "" }

// The two candidates with a phone on the demo's page. The second one is known to
// the bot by nothing yet: a claim finds the application.
var (
	sampleLinked = sampleCandidate{
		name: [3]string{"Каримов", "Алишер", "Рустамович"}, latin: [3]string{"KARIMOV", "ALISHER", ""}, born: "08.03.1991",
		gender: "М", document: "FA 1204417", citizenship: "UZ", phone: "+998 90 123-45-67", language: "uz", level: "Патент",
	}
	sampleUnlinked = sampleCandidate{
		name: [3]string{"Саидов", "Фирдавс", "Назарович"}, latin: [3]string{"SAIDOV", "FIRDAVS", ""}, born: "14.05.1993",
		gender: "М", document: "400214821", citizenship: "TJ", phone: "+992 90 111-22-33", language: "tg", level: "Патент",
	}
)

// sampleReady are the candidates of the exam that is ready to generate: names of
// many kinds, one that the register has no good number for yet, one who failed,
// one who did not come.
var sampleReady = []sampleCandidate{
	{
		name: sampleLinked.name, latin: sampleLinked.latin, born: sampleLinked.born, gender: "М", document: sampleLinked.document,
		citizenship: "UZ", phone: sampleLinked.phone, language: "uz", level: "ВНЖ",
	},
	{
		name: [3]string{"Рахимова", "Нилуфар", "Шухратовна"}, latin: [3]string{"RAKHIMOVA", "NILUFAR", ""}, born: "21.11.1988",
		gender: "Ж", document: "FB 7731902", citizenship: "UZ", phone: "+998 91 555-10-20", language: "uz", level: "РВП",
	},
	{
		name:  [3]string{"Абдурахмонзода-Мирзоалиев", "Мухаммадсаидходжа", "Абдулвохидходжаевич"},
		latin: [3]string{"ABDURAHMONZODA-MIRZOALIEV", "MUHAMMADSAIDKHOJA", ""}, born: "03.02.1979",
		gender: "М", document: "400777130", citizenship: "TJ", phone: "+992 92 700-00-31", language: "tg", level: "Патент",
	},
	{
		name: [3]string{"Nguyen", "Thi Mai", ""}, latin: [3]string{"NGUYEN", "THI MAI", ""}, born: "17.07.1995",
		gender: "Ж", document: "C4410382", citizenship: "VN", phone: "+84 90 123 45 67", language: "en", level: "Патент",
	},
	{
		name: [3]string{"Ли", "Вэй", ""}, latin: [3]string{"LI", "WEI", ""}, born: "30.09.1990",
		gender: "М", document: "E81234507", citizenship: "CN", phone: "+86 138 0013 8000", language: "zh", level: "РВП",
	},
	{
		name: [3]string{"Асанов", "Бакыт", "Токтогулович"}, latin: [3]string{"ASANOV", "BAKYT", ""}, born: "12.12.1984",
		gender: "М", document: "AC 3320981", citizenship: "KG", phone: "+996 555 12-34-56", language: "ky", level: "ВНЖ",
	},
	{
		name: [3]string{"Мамедов", "Эльчин", "Рауф оглы"}, latin: [3]string{"MAMMADOV", "ELCHIN", ""}, born: "05.06.1982",
		gender: "М", document: "C02918374", citizenship: "AZ", phone: "+994 50 222-33-44", language: "az", level: "РВП",
	},
	{
		name: [3]string{"Саргсян", "Анаит", "Гагиковна"}, latin: [3]string{"SARGSYAN", "ANAHIT", ""}, born: "25.01.1997",
		gender: "Ж", document: "AT 0456123", citizenship: "AM", phone: "+374 91 10-20-30", language: "hy", level: "ВНЖ",
	},
	{
		name: [3]string{"Юлдашев", "Семён", "Ёркинович"}, latin: [3]string{"YULDASHEV", "SEMYON", ""}, born: "29.02.1996",
		gender: "М", document: "ЛБГ 0017735", citizenship: "XX", phone: "+7 900 765-43-21", language: "ru", level: "РВП",
	},
	{
		name: [3]string{"Okafor", "Chinedu", "Emeka"}, latin: [3]string{"OKAFOR", "CHINEDU", "EMEKA"}, born: "11.04.1987",
		gender: "М", document: "A09876543", citizenship: "NG", phone: "+234 803 123 4567", language: "en", level: "Патент",
	},
	{
		name: [3]string{"Шарипова", "Мадина", "Даврон кизи"}, latin: [3]string{"SHARIPOVA", "MADINA", ""}, born: "19.08.1999",
		gender: "Ж", document: "FA 6650018", citizenship: "UZ", phone: "+998 93 400-50-60", language: "uz", level: "Патент",
	},
	{
		name: [3]string{"Тургунов", "Жасур", "Ботирович"}, latin: [3]string{"TURGUNOV", "JASUR", ""}, born: "02.10.1992",
		gender: "М", document: "FB 1029384", citizenship: "UZ", phone: "+998 94 321-00-11", language: "uz", level: "РВП", result: "Не сдал",
	},
	{
		name: [3]string{"Исмоилов", "Фаррух", "Комилович"}, latin: [3]string{"ISMOILOV", "FARRUKH", ""}, born: "27.06.1986",
		gender: "М", document: "400551209", citizenship: "TJ", phone: "+992 93 210-98-76", language: "tg", level: "ВНЖ", result: "Не явился",
	},
}

// sampleBadNumber is the ordinal of the one of sampleReady for whom the register's
// first answer has no good number.
const sampleBadNumber = 11

// Parts of invented names, and how a passport writes them.
var (
	sampleForeignLast = [][2]string{
		{"Абдуллаев", "ABDULLAEV"},
		{"Бобоев", "BOBOEV"},
		{"Валиев", "VALIEV"},
		{"Гафуров", "GAFUROV"},
		{"Давлатов", "DAVLATOV"},
		{"Ергашев", "ERGASHEV"},
		{"Жураев", "JURAEV"},
		{"Зарипов", "ZARIPOV"},
		{"Исаков", "ISAKOV"},
		{"Косимов", "KOSIMOV"},
		{"Латипов", "LATIPOV"},
		{"Махмудов", "MAKHMUDOV"},
		{"Назаров", "NAZAROV"},
		{"Одинаев", "ODINAEV"},
		{"Пулатов", "PULATOV"},
		{"Рашидов", "RASHIDOV"},
		{"Салимов", "SALIMOV"},
		{"Тошматов", "TOSHMATOV"},
		{"Умаров", "UMAROV"},
		{"Файзиев", "FAYZIEV"},
		{"Хакимов", "KHAKIMOV"},
		{"Шодиев", "SHODIEV"},
		{"Эшматов", "ESHMATOV"},
		{"Якубов", "YAKUBOV"},
	}
	sampleForeignMen = [][2]string{
		{"Азиз", "AZIZ"},
		{"Бахтиёр", "BAKHTIYOR"},
		{"Вохид", "VOKHID"},
		{"Дилшод", "DILSHOD"},
		{"Илхом", "ILKHOM"},
		{"Камол", "KAMOL"},
		{"Мирзо", "MIRZO"},
		{"Нодир", "NODIR"},
		{"Рустам", "RUSTAM"},
		{"Санжар", "SANJAR"},
	}
	sampleForeignWomen = [][2]string{
		{"Азиза", "AZIZA"},
		{"Барно", "BARNO"},
		{"Гулноз", "GULNOZ"},
		{"Дилноза", "DILNOZA"},
		{"Зебо", "ZEBO"},
		{"Камола", "KAMOLA"},
		{"Лола", "LOLA"},
		{"Мадина", "MADINA"},
		{"Нигора", "NIGORA"},
		{"Сабина", "SABINA"},
	}
	sampleFathers = [][2]string{{"Акмалович", "Акмаловна"}, {"Собирович", "Собировна"}, {"Тохирович", "Тохировна"}}
	sampleHomes   = [][2]string{{"UZ", "uz"}, {"TJ", "tg"}, {"KG", "ky"}}
	sampleLevels  = []string{"Патент", "РВП", "ВНЖ"}
)

// sampleInvented makes up so many candidates from the n-th on: the first 240 are
// different people.
func sampleInvented(from, count int) []sampleCandidate {
	out := make([]sampleCandidate, 0, count)
	for n := from; n < from+count; n++ {
		last, given, gender, ending, latinEnding := sampleForeignLast[n%len(sampleForeignLast)], sampleForeignMen, "М", "", ""
		if n%2 == 1 {
			given, gender, ending, latinEnding = sampleForeignWomen, "Ж", "а", "A"
		}
		first := given[(3*(n/len(sampleForeignLast))+n%len(sampleForeignLast))%len(given)]
		home := sampleHomes[n%len(sampleHomes)]
		out = append(out, sampleCandidate{
			name:  [3]string{last[0] + ending, first[0], sampleFathers[n%len(sampleFathers)][n%2]},
			latin: [3]string{last[1] + latinEnding, first[1], ""},
			born:  service.NewDay(1972+n*3%30, time.Month(1+n%12), 1+n%28).Russian(), gender: gender,
			document: fmt.Sprintf("FC %07d", 2000000+n), citizenship: home[0], phone: fmt.Sprintf("+7 901 %07d", n), language: home[1],
			level: sampleLevels[n%len(sampleLevels)],
		})
	}
	return out
}

// sampleEnded are candidates of whom nobody has passed.
func sampleEnded(list []sampleCandidate) []sampleCandidate {
	for n := range list {
		list[n].result = []string{"Не сдал", "Не явился"}[n%2]
	}
	return list
}

// sampleMixed are candidates with a result of every kind among them.
func sampleMixed(list []sampleCandidate) []sampleCandidate {
	for n, odd := range map[int]sampleCandidate{
		3: {result: "Не сдал"}, 5: {result: "Не явился"}, 7: {violations: "Да", comment: "Пользовался телефоном"},
	} {
		list[n].result, list[n].violations, list[n].comment = odd.result, odd.violations, odd.comment
	}
	return list
}

// sampleExams has an exam of every certificate status.
var sampleExams = []sampleExam{
	{number: "310", held: -40, candidates: slices.Concat([]sampleCandidate{sampleLinked, sampleUnlinked}, sampleInvented(0, 4)), results: true, protocol: true, approved: true, numbered: true, loaded: 2},
	{number: "311", held: -33, candidates: sampleInvented(4, 4), results: true, protocol: true, approved: true, numbered: true, loaded: 4, handed: 2},
	{number: "312", held: -25, candidates: sampleInvented(8, 120), results: true, protocol: true, approved: true, numbered: true},
	{number: sampleScanned, held: -18, candidates: slices.Concat([]sampleCandidate{sampleLinked, sampleUnlinked}, sampleInvented(180, 10)), results: true, protocol: true, approved: true, numbered: true},
	{number: "316", held: -12, candidates: sampleReady, results: true, protocol: true, approved: true},
	{number: "317", held: -1, candidates: sampleMixed(sampleInvented(128, 10))},
	{number: "318", held: -4, candidates: sampleMixed(sampleInvented(138, 9)), results: true, protocol: true},
	{number: "319", held: -9, candidates: sampleEnded(sampleInvented(147, 3)), results: true, protocol: true, approved: true},
	{number: "325", held: 10, candidates: sampleInvented(150, 15)},
}

// sampleExamOf finds one of them.
func sampleExamOf(number string) *sampleExam {
	for k := range sampleExams {
		if sampleExams[k].number == number {
			return &sampleExams[k]
		}
	}
	return nil
}

// application is the number of the n-th candidate's application, from 1.
func (e *sampleExam) application(n int) string { return fmt.Sprintf("%s-%02d", e.number, n) }

// registration is the number that the register gives the n-th candidate.
func (e *sampleExam) registration(n int, today service.Day) string {
	return fmt.Sprintf("%02d-10-40538-%s%03d-1", today.Year%100, e.number, n)
}

// issued is the day on which it gives them.
func (e *sampleExam) issued(today service.Day) service.Day {
	return today.AddDays(min(e.held+8, -1))
}

// sampleBlank is the n-th blank of the first range that the center has received,
// from 1.
func sampleBlank(n int) string { return fmt.Sprintf("07771%08d", n) }

const (
	sampleBlanks  = 300 // of that range
	sampleProfile = "blank-210"
	sampleAddress = "г. Тверь, ул. Лесная, д. 5"
)

var (
	sampleCenterHeader = []string{
		"Центр тестирования", "Наименование в творительном падеже", "Адрес выдачи", "Должность подписанта", "ФИО подписанта", "Профиль бланка",
	}
	sampleExamHeader        = []string{"Номер экзамена", "Центр тестирования", "Площадка", "Адрес проведения", "Дата и время"}
	sampleApplicationHeader = []string{
		"Номер экзамена", "Номер заявки", "Уровень", "Фамилия", "Имя", "Отчество", "Фамилия латиницей", "Имя латиницей", "Отчество латиницей",
		"Дата рождения", "Пол", "Серия и номер документа", "Гражданство", "Телефон", "Язык",
	}
	sampleResultHeader = []string{"Номер заявки", "Результат", "Нарушения", "Комментарий"}
)

// sampleCenterRow is the row of «Центры»: everything that a print needs.
func sampleCenterRow() []string {
	return []string{
		sampleOrgs["мост"].Name, "Центром тестирования «Мост»", sampleAddress, "Директор", "Лебедева Ольга Николаевна", sampleProfile,
	}
}

// row is the exam's row of «Экзамены».
func (e *sampleExam) row(today service.Day) []string {
	return []string{e.number, sampleOrgs["мост"].Name, "Площадка № 1", sampleAddress, today.AddDays(e.held).Russian() + " 10:00"}
}

// rows are the rows of «Заявки».
func (e *sampleExam) rows() [][]string {
	var out [][]string
	for n := range e.candidates {
		c := &e.candidates[n]
		row := append([]string{e.number, e.application(n + 1), c.level}, append(c.name[:], c.latin[:]...)...)
		out = append(out, append(row, c.born, c.gender, c.document, c.citizenship, c.phone, c.language))
	}
	return out
}

// resultRows are the rows of «Результаты». The mark that nobody broke the rules
// is made in chat for all at once, so a sheet may leave it out.
func (e *sampleExam) resultRows(marked bool) [][]string {
	var out [][]string
	for n := range e.candidates {
		c := &e.candidates[n]
		row := []string{e.application(n + 1), c.outcome(), c.violations, c.comment}
		if marked && c.violations == "" && c.result != "Не явился" {
			row[2] = "Нет"
		}
		out = append(out, row)
	}
	return out
}

// makeSampleExams enters the center's data, its exams and what became of them.
func (i *installation) makeSampleExams(ctx context.Context, today service.Day, zone *time.Location, now time.Time, actors map[string]service.Actor) error {
	var exams, applications, results [][]string
	for k := range sampleExams {
		e := &sampleExams[k]
		exams, applications = append(exams, e.row(today)), append(applications, e.rows()...)
		if e.results {
			results = append(results, e.resultRows(true)...)
		}
	}
	err := i.importSample(ctx, now,
		sampleSheet("Центры", sampleCenterHeader, [][]string{sampleCenterRow()}), sampleSheet("Экзамены", sampleExamHeader, exams),
		sampleSheet("Заявки", sampleApplicationHeader, applications), sampleSheet("Результаты", sampleResultHeader, results))
	if err != nil {
		return err
	}
	if err := i.makeSampleCenter(ctx, today, zone, actors["мост"]); err != nil {
		return err
	}
	m := sampleMaker{i: i, today: today, zone: zone, by: actors["мост"]}
	for k := range sampleExams {
		if err := m.exam(ctx, &sampleExams[k]); err != nil {
			return fmt.Errorf("exam %s: %w", sampleExams[k].number, err)
		}
	}
	return i.linkSampleCandidates(ctx, now)
}

// makeSampleCenter gives the center its printers and blanks.
func (i *installation) makeSampleCenter(ctx context.Context, today service.Day, zone *time.Location, by service.Actor) error {
	moment := today.AddDays(-60).At(12, 0, zone)
	s, err := i.wire(func() time.Time { return moment }, nil)
	if err != nil {
		return err
	}
	center := by.Orgs(service.RoleCenterStaff)[0]
	var first *service.CenterPrinter
	for _, name := range []string{"Приёмная, Kyocera P3145", "Кабинет 12, HP LaserJet 1020"} {
		if first, err = s.centers.AddPrinter(ctx, by, center, name); err != nil {
			return err
		}
	}
	// Tenths of a millimetre, as somebody has measured them on a trial page.
	if first, err = s.centers.MovePrinter(ctx, by, first.ID, first.Revision, 6, -3); err != nil {
		return err
	}
	if _, err = s.centers.ChoosePrinter(ctx, by, first.ID); err != nil {
		return err
	}
	_, err = s.blanks.Receive(ctx, by, service.ReceiveBlanks{
		CenterID: center, Range: service.BlankRange{First: sampleBlank(1), Last: sampleBlank(sampleBlanks)}, ReceivedOn: today.AddDays(-60),
	})
	return err
}

// sampleMaker does what the center's staff have done with the exams.
type sampleMaker struct {
	i       *installation
	today   service.Day
	zone    *time.Location
	by      service.Actor
	sent    int // files
	blanked int // blanks used
}

// at are the use cases at noon of a day, with files that somebody sends.
func (m *sampleMaker) at(day service.Day, files ...[]byte) (services, error) {
	moment := day.At(12, 0, m.zone)
	return m.i.wire(func() time.Time { return moment }, sampleFiles(files))
}

// send has a file taken and looked at, the first one of those that s was made
// with.
func (m *sampleMaker) send(ctx context.Context, s services, purpose service.UploadPurpose, subject int64, name string) (*service.Upload, error) {
	m.sent++
	u, err := s.uploads.Receive(ctx, m.by, service.UploadInput{Purpose: purpose, SubjectID: subject, UpdateID: -int64(m.sent), ChatRef: "0", Name: name})
	if err != nil {
		return nil, err
	}
	if err := s.uploads.Check(ctx, service.CheckUpload{UploadID: u.ID}); err != nil {
		return nil, err
	}
	if u, err = s.uploads.Current(ctx, m.by, purpose, subject); err == nil && (u == nil || u.State != service.UploadAccepted) {
		err = fmt.Errorf("%s is not accepted: %+v", name, u)
	}
	return u, err
}

func (m *sampleMaker) exam(ctx context.Context, e *sampleExam) error {
	if !e.protocol {
		return nil
	}
	if err := m.protocol(ctx, e); err != nil {
		return err
	}
	if !e.numbered {
		return nil
	}
	if err := m.numbers(ctx, e); err != nil {
		return err
	}
	for n := 1; n <= e.loaded; n++ {
		if err := m.load(ctx, e, n); err != nil {
			return fmt.Errorf("application %s: %w", e.application(n), err)
		}
	}
	return nil
}

// protocol uploads the protocol on the day after the exam and, if it was, has it
// approved.
func (m *sampleMaker) protocol(ctx context.Context, e *sampleExam) error {
	day := m.today.AddDays(e.held + 1)
	file, err := sampleProtocol(e, m.today)
	if err != nil {
		return err
	}
	s, err := m.at(day, file)
	if err != nil {
		return err
	}
	v, err := s.exams.ViewByNumber(ctx, m.by, e.number)
	if err != nil {
		return err
	}
	u, err := m.send(ctx, s, service.UploadProtocol, v.Exam.ID, "Протокол "+e.number+".pdf")
	if err != nil {
		return err
	}
	exam, err := s.protocols.Upload(ctx, m.by, service.ProtocolInput{
		ExamID: v.Exam.ID, Revision: v.Exam.Revision, Number: e.protocolNumber(m.today), DatedOn: m.today.AddDays(e.held), UploadID: u.ID,
	})
	if err != nil || !e.approved {
		return err
	}
	for _, ev := range []service.ProtocolEvent{service.ProtocolTake, service.ProtocolApprove} {
		if exam, err = s.protocols.Move(ctx, m.by, exam.ID, exam.Revision, ev); err != nil {
			return err
		}
	}
	return nil
}

// numbers imports the register's answer and prints the certificates.
func (m *sampleMaker) numbers(ctx context.Context, e *sampleExam) error {
	answer, err := sampleAnswer(e, m.today).text()
	if err != nil {
		return err
	}
	s, err := m.at(e.issued(m.today), answer)
	if err != nil {
		return err
	}
	v, err := s.exams.ViewByNumber(ctx, m.by, e.number)
	if err != nil {
		return err
	}
	u, err := m.send(ctx, s, service.UploadNumbers, v.Exam.ID, "Ответ ФИС ФРДО "+e.number+".csv")
	if err != nil {
		return err
	}
	report, err := s.frdo.Report(ctx, m.by, u)
	if err != nil {
		return err
	}
	m.sent++
	_, err = s.frdo.Generate(ctx, m.by, service.NumbersInput{ExamID: v.Exam.ID, UploadID: u.ID, Digest: report.Digest, UpdateID: -int64(m.sent)})
	if err != nil {
		return err
	}
	_, list, err := s.certificates.Printings(ctx, m.by, v.Exam.ID, 0, 1)
	if err != nil {
		return err
	}
	return s.certificates.Print(ctx, service.PrintCertificates{PrintingID: list[0].ID})
}

// load loads the n-th candidate's scan two days after the certificate was issued
// and, if it was, hands the paper over.
func (m *sampleMaker) load(ctx context.Context, e *sampleExam, n int) error {
	scan, err := sampleScan(e, m.today, n)
	if err != nil {
		return err
	}
	day := e.issued(m.today).AddDays(2)
	s, err := m.at(day, scan)
	if err != nil {
		return err
	}
	a, err := s.exams.ApplicationByNumber(ctx, m.by, e.application(n))
	if err != nil {
		return err
	}
	u, err := m.send(ctx, s, service.UploadScan, a.ID, "Скан "+a.Number+".pdf")
	if err != nil {
		return err
	}
	m.blanked++
	a, err = s.scans.Load(ctx, m.by, service.LoadInput{
		ApplicationID: a.ID, Revision: a.Revision, UploadID: u.ID, Blank: service.BlankKey{Number: sampleBlank(m.blanked)},
		RegistrationNumber: a.RegistrationNumber, IssuedOn: a.IssuedOn, Confirmed: true,
	})
	if err != nil || n > e.handed {
		return err
	}
	_, err = s.scans.HandOver(ctx, m.by, a.ID, a.Revision, day)
	return err
}

// linkSampleCandidates lets the candidates in by the links of their applications.
func (i *installation) linkSampleCandidates(ctx context.Context, now time.Time) error {
	s, err := i.wire(func() time.Time { return now }, nil)
	if err != nil {
		return err
	}
	for _, p := range samplePeople {
		for _, number := range p.applications {
			token, err := s.candidates.InviteByNumber(ctx, service.CommandLine, number)
			if err != nil {
				return fmt.Errorf("application %s: %w", number, err)
			}
			if _, err := s.people.Accept(ctx, service.AcceptInput{TelegramID: p.telegram, Language: p.language, Token: token}); err != nil {
				return fmt.Errorf("application %s: %w", number, err)
			}
			in := service.ClaimLinkInput{TelegramID: p.telegram, Language: p.language, Text: sampleLinked.born}
			got, err := s.candidates.ClaimLink(ctx, in)
			if err == nil && got.Asked {
				in.Text = sampleLinked.document[len(sampleLinked.document)-4:]
				_, err = s.candidates.ClaimLinkDigits(ctx, in)
			}
			if err != nil {
				return fmt.Errorf("application %s: %w", number, err)
			}
		}
	}
	return nil
}

// protocolNumber is the number of the exam's protocol.
func (e *sampleExam) protocolNumber(today service.Day) string {
	return e.number + "/" + strconv.Itoa(today.AddDays(e.held).Year%100)
}

// full is the candidate's name on one line.
func (c *sampleCandidate) full() string { return strings.TrimSpace(strings.Join(c.name[:], " ")) }
