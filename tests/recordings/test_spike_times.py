"""Spike times become rates; names, regions and times come from the objects of Neo and files of NWB."""

from __future__ import annotations

import time
from datetime import UTC, datetime

import numpy as np
import pytest

from brainmem import ResultError, read_recording
from brainmem.intake.tables import Table
from brainmem.recordings.spikes import spikes_of_table

RNG = np.random.default_rng(4)
TRAINS = [np.sort(RNG.uniform(0, 4, 20 + 10 * k)) for k in range(6)]


def by_hand(step, width):
    """Return rates of the trains: each spike is a Gaussian, each sample its mean over the bin (nearly)."""
    centre = step * (np.arange(round(4 / step)) + 0.5)
    bump = [np.exp(-((centre[:, None] - train) ** 2) / (2 * width**2)).sum(axis=1) for train in TRAINS]
    return np.stack(bump, axis=-1) / (width * np.sqrt(2 * np.pi))


def middle(rates):
    """Return rates far from the ends, beyond which nothing is known, over their mean there."""
    rates = rates[40:160]
    return rates / rates.mean(axis=0)


def test_spike_times_are_binned_and_smoothed_as_said(tmp_path):
    found = read_recording(TRAINS, spikes=True, step=0.02, width=0.15)
    assert found.step == pytest.approx(0.02)
    np.testing.assert_allclose(middle(found.rates[0]), middle(by_hand(0.02, 0.15)), atol=0.05)
    spikes = sum(map(len, TRAINS))
    assert f"{spikes} spikes were counted in bins of 0.02 s, smoothed by a Gaussian of sd 0.15 s" in str(found)
    rows = [f"{unit},{moment}" for unit, train in enumerate(TRAINS) for moment in train]
    (tmp_path / "spikes.csv").write_text("\n".join(["unit,time", *rows]))
    table = read_recording(tmp_path / "spikes.csv", step=0.02, width=0.15)
    np.testing.assert_allclose(table.rates, found.rates, atol=1e-9)
    named = [f"cell{unit},{moment}" for unit, train in enumerate(TRAINS) for moment in train]
    (tmp_path / "named.csv").write_text("\n".join(["cell,spike_time", *named]))
    assert read_recording(tmp_path / "named.csv").units == tuple(f"cell{k}" for k in range(6))


def test_a_table_of_spikes_may_tell_regions_and_milliseconds(tmp_path):
    wanted = read_recording(TRAINS, spikes=True, step=0.02)
    rows = [f"{unit},{1e3 * moment},{'AB'[unit // 3]}" for unit, train in enumerate(TRAINS) for moment in train]
    (tmp_path / "spikes.csv").write_text("\n".join(["unit,spike_time_ms,region", *rows]))
    found = read_recording(tmp_path / "spikes.csv", step=0.02)
    np.testing.assert_allclose(found.rates, wanted.rates, atol=1e-9)
    assert found.regions == tuple("AAABBB")
    (tmp_path / "spikes.csv").write_text("\n".join(["unit,spike_time_ms,region", *rows, "0,12,B"]))
    with pytest.raises(ResultError, match="unit '0' lies in regions 'A', 'B'"):
        read_recording(tmp_path / "spikes.csv", step=0.02)
    (tmp_path / "spikes.csv").write_text("\n".join(["unit,time,trial", "0,0.1,0", "1,0.2,0", "0,0.1,1", "1,0.15,1"]))
    with pytest.raises(ResultError, match="column 'trial' tells the trial of each spike"):
        read_recording(tmp_path / "spikes.csv", step=0.02)


def test_units_with_long_numbers_stay_apart(tmp_path):
    rows = [f"{1_000_000_000 + unit},{moment}" for unit, train in enumerate(TRAINS) for moment in train]
    (tmp_path / "spikes.csv").write_text("\n".join(["unit,time", *rows]))
    found = read_recording(tmp_path / "spikes.csv", step=0.02)
    assert found.units == tuple(str(1_000_000_000 + k) for k in range(6))


@pytest.mark.parametrize("named", [False, True])
def test_a_table_of_many_units_and_spikes_is_read_in_one_pass(tmp_path, named):
    """Time grows with the spikes, and not with the spikes times the units."""
    heads = ("unit", "time") if not named else ("unit", "time", "region")
    spent = []
    for units in (20, 2000):
        unit = RNG.permutation(np.repeat(np.arange(units), 40_000 // units))
        texts = {"region": tuple(np.where(unit % 2, "A", "B").tolist())} if named else {}
        rows = tuple(f"u{k}" for k in unit) if named else ()
        values = np.column_stack([unit, RNG.uniform(0, 9, 40_000)])[:, named:]
        table = Table(values, "made", tuple((name,) for name in heads[named:2]), rows, texts=texts)
        begin = time.process_time()
        found = spikes_of_table(table)
        spent.append(time.process_time() - begin)
        assert found is not None
        name = "u7" if named else "7"
        np.testing.assert_array_equal(found.trains[found.names.index(name)], np.sort(values[unit == 7, -1]))
        assert not named or found.regions[found.names.index(name)] == "A"
    assert spent[1] < 5 * spent[0] + 0.3


def test_spikes_of_several_trials_are_counted_in_one_note(tmp_path):
    rows = [f"{unit},{moment}" for unit, train in enumerate(TRAINS) for moment in train]
    for name, lines in (("a", rows), ("b", [*rows, "0,3.999", "1,3.999"])):
        (tmp_path / f"{name}.csv").write_text("\n".join(["unit,time", *lines]))
    found = read_recording([tmp_path / "a.csv", tmp_path / "b.csv"], step=0.02)
    counts = [note for note in found.notes if "counted in bins" in note]
    assert counts == [f"{2 * len(rows) + 2} spikes were counted in bins of 0.02 s, smoothed by a Gaussian of sd 0.05 s"]


def test_without_smoothing_rates_are_counts():
    found = read_recording(TRAINS, spikes=True, step=0.2, width=0)
    counts = np.stack([np.histogram(train, 0.2 * np.arange(21))[0] for train in TRAINS], axis=-1)
    np.testing.assert_allclose(found.rates[0], counts / counts.max(axis=0))


@pytest.mark.parametrize(
    ("source", "options", "said"),
    [
        ([], {}, "must list the spike times of each unit"),
        ([[], []], {}, "holds no spike"),
        ([[0.1, np.nan]], {}, "times that are NaN or infinite"),
        (TRAINS, {"step": 5.0}, "Are the spike times in seconds"),
        (TRAINS, {"width": -1.0}, r"width=-1\.0 must be 0 or more"),
    ],
)
def test_spikes_that_cannot_be_used_are_refused(source, options, said):
    with pytest.raises(ResultError, match=said):
        read_recording(source, spikes=True, **options)


def test_trains_segments_and_blocks_of_neo_are_read():
    neo, pq = pytest.importorskip("neo"), pytest.importorskip("quantities")
    trains = [
        neo.SpikeTrain(1e3 * train * pq.ms, t_stop=4 * pq.s, name=f"u{k}", region="AB"[k // 3])
        for k, train in enumerate(TRAINS)
    ]
    wanted = read_recording(TRAINS, spikes=True, step=0.02)
    segment = neo.Segment()
    segment.spiketrains.extend(trains)
    for source in (trains, segment):
        found = read_recording(source, step=0.02)
        np.testing.assert_allclose(middle(found.rates[0]), middle(wanted.rates[0]), atol=1e-6)
        assert found.units[:2] == ("u0", "u1")
        assert found.regions == tuple("AAABBB")
    block = neo.Block()
    for _ in range(2):
        other = neo.Segment()
        other.spiketrains.extend(trains)
        block.segments.append(other)
    assert read_recording(block, step=0.02).rates.shape[0] == 2
    signal = neo.AnalogSignal(np.sin(np.arange(300).reshape(50, 6)), units="V", sampling_rate=10 * pq.Hz)
    segment.analogsignals.append(signal)
    with pytest.raises(ResultError, match=r"holds 1 signal and 6 spike trains. Give one of its signals"):
        read_recording(segment)
    assert read_recording(signal).step == pytest.approx(0.1)


@pytest.fixture
def nwb(tmp_path):
    """Return a file with units in two places and a series of fluorescence of three regions of interest."""
    pynwb = pytest.importorskip("pynwb")
    file = pynwb.NWBFile("made", "made", datetime(2026, 1, 1, tzinfo=UTC))
    file.add_unit_column("region", "where")
    for k, train in enumerate(TRAINS):
        file.add_unit(spike_times=train, obs_intervals=[[0.0, 4.0]], region="AB"[k % 2])
    table = np.sin(np.arange(600).reshape(100, 6) ** 1.1)
    file.add_acquisition(pynwb.TimeSeries(name="dff", data=table, unit="1", rate=20.0, starting_time=1.0))
    with pynwb.NWBHDF5IO(str(tmp_path / "a.nwb"), "w") as out:
        out.write(file)
    return tmp_path / "a.nwb", table


def test_a_file_of_nwb_gives_units_or_a_series_and_asks_which(nwb):
    path, table = nwb
    with pytest.raises(ResultError, match=r"holds units, dff. Say which is meant: series='units'"):
        read_recording(path)
    found = read_recording(path, series="units", step=0.02)
    np.testing.assert_allclose(middle(found.rates[0]), middle(read_recording(TRAINS, spikes=True, step=0.02).rates[0]))
    assert found.regions == tuple("ABABAB")
    signal = read_recording(path, series="dff")
    assert signal.step == pytest.approx(0.05)
    np.testing.assert_allclose(signal.rates[0], table / np.abs(table).max(axis=0))
    with pytest.raises(ResultError, match="holds no series 'df'; it holds units, dff"):
        read_recording(path, series="df")


@pytest.fixture
def in_trials(tmp_path):
    """Return a file with units, a series of 20 Hz from 1 s on, and a table of trials with pauses between them."""
    pynwb = pytest.importorskip("pynwb")
    file = pynwb.NWBFile("made", "made", datetime(2026, 1, 1, tzinfo=UTC))
    for train in TRAINS:
        file.add_unit(spike_times=train, obs_intervals=[[0.0, 4.0]])
    table = np.sin(np.arange(600).reshape(100, 6) ** 1.1)
    file.add_acquisition(pynwb.TimeSeries(name="dff", data=table, unit="1", rate=20.0, starting_time=1.0))
    file.add_trial_column("condition", "side")
    file.add_trial_column("block", "number")
    for k, (start, stop) in enumerate([(1.0, 2.0), (2.5, 3.5), (3.5, 4.0), (90.0, 91.0)]):
        file.add_trial(start_time=start, stop_time=stop, condition=["left", "right"][k % 2], block=k // 2)
    with pynwb.NWBHDF5IO(str(tmp_path / "a.nwb"), "w") as out:
        out.write(file)
    return tmp_path / "a.nwb", table


def test_the_trials_of_a_file_of_nwb_are_read(in_trials):
    path, table = in_trials
    found = read_recording(path, series="dff")
    assert found.rates.shape == (3, 20, 6)
    assert found.kinds == ("left", "right", "left")
    parts = [table[:20], table[30:50], table[50:60]]
    peaks = np.abs(np.concatenate(parts)).max(axis=0)
    for trial, part in zip(found.rates, parts, strict=True):
        np.testing.assert_allclose(trial[: len(part)], part / peaks)
    assert found.seen is not None
    assert (found.seen[2, 10:] == -1).all()
    assert "its table of trials says where 3 begin and end" in str(found)
    assert "; 1 trial without samples left out" in str(found)
    assert read_recording(path, series="dff", kinds="block").kinds == ("0", "0", "1")
    assert read_recording(path, series="dff", resets=(0,)).rates.shape == (1, 100, 6)
    with pytest.raises(ResultError, match=r"kinds='blok' is no column of its table of trials, .* 'condition', 'block'"):
        read_recording(path, series="dff", kinds="blok")
    spikes = read_recording(path, series="units", step=0.02)
    assert spikes.rates.shape == (3, 50, 6)


def test_a_damaged_file_of_nwb_is_refused(tmp_path):
    pytest.importorskip("pynwb")
    (tmp_path / "a.nwb").write_bytes(b"broken")
    with pytest.raises(ResultError, match="cannot be read as a file of NWB"):
        read_recording(tmp_path / "a.nwb")
