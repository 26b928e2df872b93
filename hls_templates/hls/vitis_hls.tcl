# vitis_hls -f vitis_hls.tcl
# Environment: MONDEQ_PART, MONDEQ_CLOCK_PERIOD (ns), MONDEQ_STEPS (a list of csim csynth cosim export).
proc setting {name default} {
    global env
    if {[info exists env($name)]} { return $env($name) }
    return $default
}
set here [file dirname [file normalize [info script]]]
set steps [setting MONDEQ_STEPS {csim csynth cosim export}]
set check "--check $here/vectors/words.txt $here/vectors/outputs.txt"

open_project -reset mondeq_vitis
set_top mondeq_top
add_files $here/mondeq_top.cpp
add_files -tb $here/mondeq_tb.cpp
open_solution -reset -flow_target vivado solution
set_part [setting MONDEQ_PART xc7a100tcsg324-1]
create_clock -period [setting MONDEQ_CLOCK_PERIOD 6.67] -name default

if {"csim" in $steps} { csim_design -argv $check }
if {"csynth" in $steps} { csynth_design }
if {"cosim" in $steps} { cosim_design -argv $check }
if {"export" in $steps} { export_design -format ip_catalog }
exit
