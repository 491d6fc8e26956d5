package tier

import (
	"fmt"
	"slices"
	"strconv"
	"strings"
)

// Option is one value of a resource and its price.
type Option struct {
	Value float64 // cores, GB or number of GPUs
	Price float64 // US dollars an hour; 0 is included
}

// Text is the value as the platform lists it and as it must be entered: "0.5", "2".
func (o Option) Text() string { return strconv.FormatFloat(o.Value, 'f', -1, 64) }

// Label is Text and the price.
func (o Option) Label() string {
	if o.Price == 0 {
		return o.Text()
	}
	return fmt.Sprintf("%s ($%s/hour)", o.Text(), strconv.FormatFloat(o.Price, 'f', -1, 64))
}

// One GPU comes with a machine of a fixed size.
const (
	GPUMachineCPU = 4.0
	GPUMachineRAM = 12
)

type cpu struct {
	Option
	ram  []Option // paid tiers
	free []Option // community
}

func cpus() []cpu {
	small := func(first float64) []Option {
		var ram []Option
		for _, r := range []Option{{1, 0}, {2, 0}, {3, 0.150}, {4, 0.020}} {
			if r.Value >= first {
				ram = append(ram, r)
			}
		}
		return ram
	}
	return []cpu{
		{Option{0.5, 0}, small(1), []Option{{1, 0}, {2, 0}}},
		{Option{1, 0}, small(2), []Option{{2, 0}}},
		{Option{2, 0.090}, []Option{{4, 0.020}, {6, 0.030}, {8, 0.039}, {10, 0.049}, {12, 0.059}, {14, 0.069}, {16, 0.079}}, nil},
		{Option{4, 0.179}, []Option{{8, 0.039}, {10, 0.049}, {12, 0.059}}, nil},
		{Option{8, 0.357}, []Option{{16, 0.079}}, nil},
	}
}

func (t Tier) ramOf(c cpu) []Option {
	if t.paid {
		return c.ram
	}
	return c.free
}

// GPUs returns the numbers of GPUs available to t.
func (t Tier) GPUs() []Option {
	if t.paid {
		return []Option{{0, 0}, {1, 0.6312}}
	}
	return []Option{{0, 0}}
}

// CPUs returns the numbers of cores available to t without a GPU.
func (t Tier) CPUs() []Option {
	var out []Option
	for _, c := range cpus() {
		if len(t.ramOf(c)) > 0 {
			out = append(out, c.Option)
		}
	}
	return out
}

// RAMs returns the GB of memory available to t with that many cores, nil if it may not have that many.
func (t Tier) RAMs(cores float64) []Option {
	for _, c := range cpus() {
		if c.Value == cores {
			return t.ramOf(c)
		}
	}
	return nil
}

// CheckResources returns an error that names the first value that t may not have, and its choices: a *Refusal if a
// larger tier has it.
func (t Tier) CheckResources(cores float64, ram, gpu int) error {
	if err := t.CheckGPUs(float64(gpu)); err != nil {
		return err
	}
	if gpu > 0 {
		if cores != GPUMachineCPU || ram != GPUMachineRAM {
			return fmt.Errorf("one GPU comes with %g CPU and %d GB RAM", GPUMachineCPU, GPUMachineRAM)
		}
		return nil
	}
	if err := t.CheckCPUs(cores); err != nil {
		return err
	}
	return t.CheckRAM(cores, float64(ram))
}

// CheckGPUs is CheckResources for the GPUs alone.
func (t Tier) CheckGPUs(n float64) error {
	return t.offered("GPU", n, SelectGPU, Tier.GPUs)
}

// CheckCPUs is CheckResources for the cores alone.
func (t Tier) CheckCPUs(n float64) error {
	return t.offered("CPU", n, SelectCPU, Tier.CPUs)
}

// CheckRAM is CheckResources for the memory that goes with that many cores.
func (t Tier) CheckRAM(cores, gb float64) error {
	what := fmt.Sprintf("RAM with %g CPU", cores)
	return t.offered(what, gb, SelectRAM, func(t Tier) []Option { return t.RAMs(cores) })
}

func (t Tier) offered(what string, value float64, p Permission, options func(Tier) []Option) error {
	has := func(t Tier) bool {
		return slices.ContainsFunc(options(t), func(o Option) bool { return o.Value == value })
	}
	switch {
	case has(t):
		return nil
	case slices.ContainsFunc(All(), has):
		return fmt.Errorf("%g is not available for %s: %w (choices: %s)", value, what, &Refusal{t.Name, p}, Texts(options(t)))
	default:
		return fmt.Errorf("%g is not available for %s in the %s tier; choices: %s", value, what, t.Name, Texts(options(t)))
	}
}

// Texts lists the options' texts.
func Texts(options []Option) string {
	var out []string
	for _, o := range options {
		out = append(out, o.Text())
	}
	return strings.Join(out, ", ")
}
