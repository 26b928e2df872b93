// A state that is carried from sample to sample: the words of a sample's last outputs, rounded and saturated to input
// words, are its successor's last inputs.
//
// It begins with Initial after every reset.  A load, whose beats have load_i, replaces it and is no sample: it is taken
// once all samples before it have left theirs.
module mondeq_carried #(
  parameter int Inputs = mondeq_pkg::InputWords,
  parameter int Words = mondeq_pkg::CarriedWords,
  parameter int Simd = mondeq_pkg::DriveSimd,
  parameter int InputBits = mondeq_pkg::InputBits,
  parameter int OutputBits = mondeq_pkg::OutputBits,
  parameter int Shift = mondeq_pkg::CarriedShift,
  parameter bit [Words*InputBits-1:0] Initial = mondeq_pkg::CarriedInitial
) (
  input  logic                       clk_i,
  input  logic                       rst_ni,
  // Stream.
  input  logic                       beat_valid_i,
  input  logic                       load_i,
  input  logic [Simd*InputBits-1:0]  beat_i,
  output logic                       beat_ready_o,
  // To the drive engine.
  output logic                       drive_valid_o,
  input  logic                       drive_ready_i,
  output logic [Words*InputBits-1:0] state_o,
  output logic                       fresh_o,   // it is that of the sample that the drive has not read yet
  input  logic                       taken_i,
  // From the readout engine.
  input  logic                       write_i,
  input  logic                       last_i,
  input  logic [OutputBits-1:0]      word_i
);

  localparam int Beats = (Inputs + Simd - 1) / Simd;
  localparam int LoadBeats = (Words + Simd - 1) / Simd;
  localparam int BeatBits = (Beats > 1) ? $clog2(Beats) : 1;
  localparam int LoadBits = (LoadBeats > 1) ? $clog2(LoadBeats) : 1;
  localparam int SamplesBits = 3;  // two banks, one being read, one in the solver
  localparam int SumBits = OutputBits + 1;
  localparam logic signed [SumBits-1:0] Half = (SumBits'(1) << Shift) >> 1;
  localparam logic signed [InputBits-1:0] Least = {1'b1, {(InputBits - 1){1'b0}}};
  localparam logic signed [InputBits-1:0] Most = {1'b0, {(InputBits - 1){1'b1}}};

  // Wrong parameters do not elaborate: there is no such module.
  if (Words < 1 || InputBits < 2 || Shift < 0 || Simd < 1 || Simd > Inputs) begin : g_wrong_size
    mondeq_error_carried_sizes u_error ();
  end

  // ---------------------------------------------------------------------------------------------------------------
  // Samples and loads.

  logic loading, accept, begun, written_q, fresh_q, next_valid_q, next_last_q;
  logic [BeatBits-1:0] beat_q;
  logic [LoadBits-1:0] load_q;
  logic [SamplesBits-1:0] samples_q;

  assign loading = load_i && (beat_q == '0);
  assign beat_ready_o = loading ? (samples_q == '0) : drive_ready_i;
  assign drive_valid_o = beat_valid_i && !loading;
  assign accept = drive_valid_o && drive_ready_i;
  assign begun = accept && (beat_q == '0);
  assign fresh_o = fresh_q;

  always_ff @(posedge clk_i) begin
    if (!rst_ni) begin
      beat_q <= '0;
      load_q <= '0;
      samples_q <= '0;
      fresh_q <= 1'b1;
    end else begin
      if (accept) beat_q <= (beat_q == BeatBits'(Beats - 1)) ? '0 : beat_q + 1'b1;
      if (beat_valid_i && loading && beat_ready_o) begin
        load_q <= (load_q == LoadBits'(LoadBeats - 1)) ? '0 : load_q + 1'b1;
      end
      if (begun && !written_q) samples_q <= samples_q + 1'b1;
      if (!begun && written_q) samples_q <= samples_q - 1'b1;
      if (taken_i) fresh_q <= 1'b0;
      else if (next_valid_q && next_last_q) fresh_q <= 1'b1;
    end
  end

  // ---------------------------------------------------------------------------------------------------------------
  // The next state: rounded, saturated, and shifted in behind the words before it.

  // Beyond an input word only the sign and whether it fits are left of the sum.
  logic signed [SumBits-1:0] rounded;
  logic signed [InputBits-1:0] next, next_q;
  logic [Words*InputBits-1:0] state_q;

  assign rounded = (SumBits'($signed(word_i)) + Half) >>> Shift;

  always_comb begin
    next = InputBits'(rounded);
    if (rounded > SumBits'(Most)) next = Most;
    if (rounded < SumBits'(Least)) next = Least;
  end

  always_ff @(posedge clk_i) begin
    if (!rst_ni) begin
      next_valid_q <= 1'b0;
      written_q <= 1'b0;
    end else begin
      next_valid_q <= write_i;
      written_q <= next_valid_q && next_last_q;
    end
    next_last_q <= last_i;
    next_q <= next;
  end

  always_ff @(posedge clk_i) begin
    if (!rst_ni) begin
      state_q <= Initial;
    end else if (next_valid_q) begin
      for (int i = 0; i < Words - 1; i++) state_q[i*InputBits+:InputBits] <= state_q[(i+1)*InputBits+:InputBits];
      state_q[(Words-1)*InputBits+:InputBits] <= next_q;
    end else if (beat_valid_i && loading && beat_ready_o) begin
      for (int i = 0; i < Words; i++) begin
        if (load_q == LoadBits'(i / Simd)) state_q[i*InputBits+:InputBits] <= beat_i[(i%Simd)*InputBits+:InputBits];
      end
    end
  end

  assign state_o = state_q;

endmodule
