"""What a tank does by itself, and what somebody must have done: the limits tank events go by."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, kw_only=True, slots=True)
class TankRules:
    """What a tank does by itself, and what somebody must have done."""

    stand_s: float = 120.0
    """Nobody fills or empties a tank in less [s]: 80 L at 40 L/min."""
    least_l: float = 10.0
    """Less than a canister is left alone [L] ..."""
    least_share: float = 0.012
    """... and so is less than three steps of a coarse level, 0.4 % each (SAE J1939 SPN 96)."""
    shrinks_per_k: float = 0.00084
    """Diesel's expansion [1/K]: 0.00083 at 15 °C and 835 kg/m³ (ASTM D1250, API table 54B)."""
    cools_k: float = 25.0
    """A tank that the return flow warmed cools by so much at the most [K] ..."""
    cools_k_h: float = 6.0
    """... and so fast [K/h]."""
    heater_l_h: float = 0.3
    """A parking heater takes so much past the engine's counter [L/h]: air heaters 0.1-0.7 ..."""
    heater_l: float = 12.0
    """... and no more between two drives [L]: 40 h."""
    idle_l_h: float = 4.0
    """An engine may have idled in a gap where nothing counts its litres [L/h]."""
    other_nights: int = 3
    """So many other stands tell what this vehicle's level does at night."""
    filled_share: float = 0.02
    """Who fills up takes more than this of what the tank holds."""
    leak_h: float = 1.0
    """Fuel that leaks takes longer than this to be missed [h]."""
    night_h: float = 0.5
    """Other stands shorter than this tell nothing of a night [h]."""
    night_share: float = 0.4
    """They are at least so long, of the stand in question."""
    leak_varies: float = 1.5
    """A leak loses up to so many times as much in one night as in others."""
    against_share: float = 0.5
    """The levels while driving contradict a step that they explain less of than this."""
    witness: float = 2.5
    """And they must show a fall themselves, by so many standard deviations of theirs."""
    doubly_sure: float = 5.0
    """Where they show a step by so many standard deviations ..."""
    doubly_share: float = 0.75
    """... and so much of it, how stands vary otherwise is no matter."""
    settle_s: float = 1800.0
    """A level that falls so soon after it rose at the same stand runs into another tank [s]."""
    stays_rows: int = 9
    """A level is down when it was read so often afterwards: three minutes."""
    recovery_rows: int = 360
    """It is still down in the two hours of driving and standing that follow."""
    gradual_l_min: float = 1.5
    """A level that is seen falling slower than this leaks, or settles [L/min]: a siphon takes more,
    2 to 10."""
    loss_l: float = 20.0
    """A drive loses more than this [L], ..."""
    loss_share: float = 0.05
    """... than this of what the tank holds, for a tank's shape bends its level, ..."""
    loss_of_burnt: float = 0.35
    """... and than this of what the engine burnt: counters err, 22 % at a truck of 2017."""
    loss_rows: int = 120
    """Drives shorter than this tell no loss: forty minutes. The first ten are left out, for gauges
    lag."""
    park_s: float = 1200.0
    """Standing for so long ends a drive [s]."""
    scale_drives: int = 3
    """So many drives tell how the tank's litres compare to the counter's ..."""
    scale_share: float = 0.03
    """... if each burnt so much of what the tank holds."""
    scale_most: float = 0.3
    """No counter or level is further off than this."""
    gauge_share: float = 0.04
    """A level's own scale errs by this, one standard deviation: tanks are no boxes."""
    learnt_share: float = 0.1
    """Likewise where the capacity was learnt by the counter, which errs too."""
    interval: float = 1.645
    """Standard deviations on either side of a 90 % interval."""
