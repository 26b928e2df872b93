// Watches the solver's slots: a slot is in one update at a time, in none when a sample is loaded into it, and every
// number is that of a slot there is.  What contradicts this is an error in the same cycle.
module mondeq_slot_watch #(
  parameter int Slots = mondeq_pkg::Slots,
  localparam int SlotBits = (Slots > 1) ? $clog2(Slots) : 1
) (
  input  logic                clk_i,
  input  logic                rst_ni,
  // The slot whose commands leave, a bit each: one.
  input  logic                named_i,
  input  logic [Slots-1:0]    named_slots_i,
  // Updates begin; rows of one are complete, the last of them.
  input  logic                begin_i,
  input  logic [Slots-1:0]    begin_slots_i,
  input  logic                update_i,
  input  logic [SlotBits-1:0] update_slot_i,
  input  logic                end_i,
  // A sample is loaded; slots that wait for an update, and for the readout.
  input  logic                loaded_i,
  input  logic [SlotBits-1:0] loaded_slot_i,
  input  logic [Slots-1:0]    ready_i,
  input  logic [Slots-1:0]    done_i,
  output logic                error_o
);

  // Wrong parameters do not elaborate: there is no such module.
  if (Slots < 2) begin : g_wrong_slots
    mondeq_error_fewer_than_two_slots u_error ();
  end

  logic [Slots-1:0] running_q, begun, ended, update_slots, loaded_slots;

  // No bit of a number beyond the last.
  assign update_slots = Slots'(1) << update_slot_i;
  assign loaded_slots = Slots'(1) << loaded_slot_i;

  assign begun = begin_i ? begin_slots_i : '0;
  assign ended = (update_i && end_i) ? update_slots : '0;

  always_ff @(posedge clk_i) begin
    if (!rst_ni) running_q <= '0;
    else running_q <= (running_q | begun) & ~ended;
  end

  assign error_o = (named_i && ((named_slots_i == '0) || ((named_slots_i & (named_slots_i - 1'b1)) != '0)))
      || ((running_q & begun) != '0)
      || (update_i && ((running_q & update_slots) == '0))
      || (loaded_i && (((ready_i | running_q | done_i) & loaded_slots) != '0));

endmodule
